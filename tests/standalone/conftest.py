import tempfile
from pathlib import Path

import pytest

from tests.support.programs import standalone

PARTS = ("ingestion", "scheduler", "notifier", "gateway")


@pytest.fixture
def data():
    """A data folder that another user may pass, as a checkout in a home folder often is not."""
    yield from _data_folder()


@pytest.fixture
def database_urls(new_database):
    """A database for each part, so that a test can move their clocks."""
    return {name: new_database(name) for name in PARTS}


@pytest.fixture
def databases_given(database_urls):
    return _given(database_urls)


@pytest.fixture(scope="module")
def shared_urls(databases):
    """The same for all tests of a module, which one worker runs: see `ONE_PROGRAM_FOR_ALL`."""
    made = {name: databases.new(name) for name in PARTS}
    yield made
    for each in made.values():
        databases.drop(each)


@pytest.fixture(scope="module")
def shared_data():
    yield from _data_folder()


@pytest.fixture(scope="module")
async def shared_program(shared_urls, shared_data):
    """One program for all tests of a module, on the shared databases."""
    async with standalone(shared_data, **_given(shared_urls)) as running:
        yield running


def _data_folder():
    with tempfile.TemporaryDirectory(prefix="runwarden-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def _given(urls):
    return {f"{name.upper()}_DATABASE_URL": url for name, url in urls.items()}
