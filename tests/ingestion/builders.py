"""Short ways to say what a test needs."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.client import channel, telling_problems
from libs.rpc.times import timestamp
from services.ingestion.settings import IngestionSettings
from services.ingestion.wiring import running
from tests.support.database_clock import set_clock

SUCCESS = pb.EXECUTION_STATUS_SUCCESS
FAILED = pb.EXECUTION_STATUS_FAILED
PARTIAL = pb.EXECUTION_STATUS_PARTIAL
ACCEPTED = pb.RecordResult.OUTCOME_ACCEPTED
DUPLICATE = pb.RecordResult.OUTCOME_DUPLICATE
QUARANTINED = pb.RecordResult.OUTCOME_QUARANTINED
REJECTED = pb.RecordResult.OUTCOME_REJECTED

KEY = "a key for tests"
NOWHERE = "127.0.0.1:9"
"""Nobody answers here."""


@asynccontextmanager
async def an_ingestion(
    url: str, notifier: str = NOWHERE, *, keys: Sequence[str] = (KEY,), **settings
) -> AsyncIterator[rpc.IngestionServiceStub]:
    """A replica of the service on a database; yields a stub of it."""
    given = settings_of(url, notifier, keys=keys, **settings)
    async with running(given) as address, stub_of(address, given) as stub:
        yield stub


def settings_of(
    url: str, notifier: str = NOWHERE, *, keys: Sequence[str] = (KEY,), **settings
) -> IngestionSettings:
    """Settings of a replica on a free port."""
    values = {"database_url": url, "notifier_address": notifier, "port": 0, "host": "127.0.0.1"}
    return IngestionSettings(**values, encryption_keys=keys, _env_file=None, **settings)


@asynccontextmanager
async def stub_of(
    address: str, settings: IngestionSettings
) -> AsyncIterator[rpc.IngestionServiceStub]:
    """A stub of the replica at an address."""
    service = pb.DESCRIPTOR.services_by_name["IngestionService"]
    async with channel(address, service, settings) as opened:
        yield rpc.IngestionServiceStub(opened)


def an_execution(location_id: str, workflow_id: str = "wf", **fields) -> pb.Execution:
    """A run that succeeded, unless told otherwise; `executed_at` may be a datetime."""
    fields.setdefault("status", SUCCESS)
    if isinstance(fields.get("executed_at"), datetime):
        fields["executed_at"] = timestamp(fields["executed_at"])
    return pb.Execution(location_id=location_id, workflow_id=workflow_id, **fields)


def a_failure(location_id: str, workflow_id: str = "wf", **fields) -> pb.Execution:
    return an_execution(location_id, workflow_id, status=FAILED, **fields)


def ago(**span) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


async def record(
    stub: rpc.IngestionServiceStub, *executions: pb.Execution
) -> list[pb.RecordResult]:
    """Records executions in one batch; gives what became of each."""
    items = [pb.RecordItem(execution=each) for each in executions]
    response = await stub.RecordExecutions(pb.RecordExecutionsRequest(items=items), timeout=10)
    return list(response.results)


async def listed(stub: rpc.IngestionServiceStub, location_id: str, **filters) -> list[pb.Execution]:
    """The newest executions of a location."""
    request = pb.ListExecutionsRequest(location_id=location_id, page_size=500, **filters)
    return list((await stub.ListExecutions(request, timeout=10)).executions)


@contextmanager
def refused(problem: type[problems.Problem], reason: str) -> Iterator[None]:
    """The block ends with a problem of this kind and reason."""
    with pytest.raises(problem) as caught, telling_problems():
        yield
    assert caught.value.reason == reason


def waiting_for_locks(url: str) -> int:
    """Gives how many sessions on the database wait for another one."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


class StoppedClock:
    """The clock of a database, and a stub of the service on it."""

    ingestion: rpc.IngestionServiceStub

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = datetime.now(UTC)
        set_clock(url, self.now)

    def move(self, **span) -> None:
        self.now += timedelta(**span)
        set_clock(self.url, self.now)

    def ago(self, **span) -> datetime:
        return self.now - timedelta(**span)
