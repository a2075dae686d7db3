"""A running scheduler between an ingestion and a notifier that do as the test says."""

from collections.abc import AsyncIterator

import grpc
import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2_grpc
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db.database import Database
from services.scheduler.settings import SchedulerSettings
from services.scheduler.wiring import running
from tests.scheduler.asking import LOCATION
from tests.scheduler.fakes import FakeIngestion, FakeNotifier, served
from tests.support.ghl import StandInGhl, stand_in_ghl
from tests.support.ghl_state import StandInAgency


@pytest.fixture
async def ingestion() -> AsyncIterator[FakeIngestion]:
    add = ingestion_pb2_grpc.add_IngestionServiceServicer_to_server
    async with served(FakeIngestion(), add) as fake:
        yield fake


@pytest.fixture
async def notifier() -> AsyncIterator[FakeNotifier]:
    add = notifier_pb2_grpc.add_NotifierServiceServicer_to_server
    async with served(FakeNotifier(), add) as fake:
        yield fake


@pytest.fixture
async def ghl() -> AsyncIterator[StandInGhl]:
    """A GoHighLevel that knows one location."""
    agency = StandInAgency()
    agency.add_location(LOCATION)
    async with stand_in_ghl(agency) as ghl:
        yield ghl
        assert ghl.failures == []


@pytest.fixture
def url(new_database) -> str:
    """An empty database of the scheduler."""
    return new_database("scheduler")


@pytest.fixture
def settings(url, ingestion, notifier, ghl) -> SchedulerSettings:
    return SchedulerSettings(
        port=0,
        database_url=url,
        encryption_keys=["a key of the test"],
        ghl_base_url=ghl.url,
        ingestion_address=ingestion.address,
        notifier_address=notifier.address,
    )


@pytest.fixture
async def scheduler(settings) -> AsyncIterator[rpc.SchedulerServiceStub]:
    """A stub of a scheduler that runs."""
    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        yield rpc.SchedulerServiceStub(channel)


@pytest.fixture
async def database(url) -> AsyncIterator[Database]:
    """The scheduler's database, for actions that are tested without a process around them."""
    async with Database.open(url, name="test") as database:
        yield database


@pytest.fixture(scope="session")
async def lasting_scheduler(databases) -> AsyncIterator[rpc.SchedulerServiceStub]:
    """A scheduler that all tests share which store nothing."""
    settings = SchedulerSettings(
        port=0,
        database_url=databases.new("scheduler"),
        encryption_keys=["a key of the test"],
        ghl_base_url="http://127.0.0.1:1",
        ingestion_address="127.0.0.1:1",
        notifier_address="127.0.0.1:1",
    )
    async with running(settings) as address, grpc.aio.insecure_channel(address) as channel:
        yield rpc.SchedulerServiceStub(channel)
