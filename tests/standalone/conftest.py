import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def data():
    """A data folder that another user may pass, as a checkout in a home folder often is not."""
    with tempfile.TemporaryDirectory(prefix="runwarden-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


@pytest.fixture
def database_urls(new_database):
    """A database for each part, so that a test can move their clocks."""
    names = ("ingestion", "scheduler", "notifier", "gateway")
    return {name: new_database(name) for name in names}


@pytest.fixture
def databases_given(database_urls):
    return {f"{name.upper()}_DATABASE_URL": url for name, url in database_urls.items()}
