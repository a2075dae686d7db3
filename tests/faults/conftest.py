"""A PostgreSQL with its real settings, for what is killed, frozen and stormed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from libs.db.embedded import Cluster, embedded_postgres


@pytest.fixture(scope="module")
def postgres_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="runwarden-faults-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "postgres"


@pytest.fixture(scope="module")
async def cluster(postgres_folder) -> AsyncIterator[Cluster]:
    async with embedded_postgres(postgres_folder) as cluster:
        yield cluster
