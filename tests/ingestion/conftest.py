"""A running ingestion service that tests share, and a location that is a test's own."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.ingestion.builders import StoppedClock, an_ingestion
from tests.ingestion.fake_notifier import FakeNotifier, answering

_serial = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def no_rest() -> Iterator[None]:
    """What has no storm to tell of need not rest, and nobody here need wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.ingestion.jobs.LONGEST_REST", 0.0)
        yield


@pytest.fixture(scope="session")
async def notifier() -> FakeNotifier:
    return FakeNotifier()


@pytest.fixture(scope="session")
async def notifier_address(notifier) -> AsyncIterator[str]:
    async with answering(notifier) as address:
        yield address


@pytest.fixture(scope="session")
async def ingestion(databases, notifier_address) -> AsyncIterator:
    """A stub of one service for all tests: rows of another location are never seen."""
    url = databases.new("ingestion")
    async with an_ingestion(url, notifier_address) as stub:
        yield stub
    databases.drop(url)


@pytest.fixture
def location() -> str:
    """A location that nobody else uses."""
    return f"location-{next(_serial)}-of-a-test"


@pytest.fixture
async def stopped_clock(new_database, notifier_address) -> AsyncIterator[StoppedClock]:
    """A service of the test's own, on a database whose clock stands still until it is moved."""
    url = new_database("ingestion")
    clock = StoppedClock(url)
    async with an_ingestion(url, notifier_address) as clock.ingestion:
        yield clock
