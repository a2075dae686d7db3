"""Puts the scheduler together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from libs import metrics, problems
from libs.clock import Clock, SystemClock
from libs.clockwork import Clockwork, clockwork
from libs.contracts.ingestion.v1 import ingestion_pb2, ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.db import migrations
from libs.db.database import Database
from libs.db.outbox import Dispatcher
from libs.db.retention import Forgetting
from libs.ids import new_id
from libs.problems import CannotStart
from libs.rpc.client import channel
from libs.rpc.server import serving
from libs.secrets import SecretBox
from services.scheduler import jobs
from services.scheduler.actions.alarming import Alarming
from services.scheduler.actions.cancelling import Cancelling
from services.scheduler.actions.comparing import Comparing
from services.scheduler.actions.connecting import Connecting
from services.scheduler.actions.definitions import Definitions
from services.scheduler.actions.execution import Execution
from services.scheduler.actions.explaining import Explaining
from services.scheduler.actions.firing import Firing
from services.scheduler.actions.gathering import Gathering
from services.scheduler.actions.listing import Listing
from services.scheduler.actions.living import Living
from services.scheduler.actions.reaching import Reaching
from services.scheduler.actions.removing import Removing
from services.scheduler.actions.scanning import Scanning
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.starting import Starting
from services.scheduler.actions.status import Status
from services.scheduler.actions.uploading import Uploading
from services.scheduler.actions.watching import Watching
from services.scheduler.domain import zones
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.oauth import OAuthApp
from services.scheduler.peers import IngestionPeer, NotifierPeer
from services.scheduler.servicer import SchedulerServicer
from services.scheduler.settings import SchedulerSettings
from services.scheduler.store import retention
from services.scheduler.store.announcements import heard
from services.scheduler.store.scans import CANCELLED_CHANNEL, QUEUED_CHANNEL

MIGRATIONS = Path(__file__).parent / "store" / "migrations"
SERVICE = pb.DESCRIPTOR.services_by_name["SchedulerService"].full_name
INGESTION = ingestion_pb2.DESCRIPTOR.services_by_name["IngestionService"]
NOTIFIER = notifier_pb2.DESCRIPTOR.services_by_name["NotifierService"]
JOBS_GRACE = timedelta(seconds=1)
"""Every job may be cut off anywhere; one that waits for the notifier would wait long."""


class DatabaseUrlUnreadable(CannotStart):
    """SCHEDULER_DATABASE_URL cannot be read; write postgresql://user:password@host:port/database."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class _Outside(NamedTuple):
    """Whom scans ask, and what opens the secrets they ask with."""

    ingestion: IngestionPeer
    ghl: GhlClient
    box: SecretBox
    app: OAuthApp | None


@asynccontextmanager
async def running(
    settings: SchedulerSettings,
    *,
    clock: Clock = SystemClock(),  # noqa: B008  it has no state
) -> AsyncIterator[str]:
    """Runs the scheduler until the block ends. Yields the address it answers at."""
    zones.check()
    url = _readable(settings.database_url.get_secret_value())
    await migrations.apply(url, MIGRATIONS)
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics.exposed(settings.metrics_port))
        database = await stack.enter_async_context(Database.open(url, name="scheduler"))
        ingestion, notifier = await _peers(stack, settings)
        status = Status(database, clock, replica_id=new_id())
        stack.push_async_callback(status.leave)
        dispatcher = await stack.enter_async_context(_dispatching(database, notifier))
        works = await stack.enter_async_context(clockwork(JOBS_GRACE))
        execute = partial(works.wake, jobs.EXECUTE)
        outside = await _outside(stack, settings, ingestion, clock)
        execution = _execution(settings, database, outside, works, owner=status.replica_id)
        schedules, watching = Schedules(database), Watching(database)
        jobs.start(
            works,
            schedules=schedules,
            firing=Firing(database, on_queued=execute),
            execution=await stack.enter_async_context(execution.open()),
            status=status,
            alarming=Alarming(database),
            forgetting=_forgetting(settings, database),
            dispatcher=dispatcher,
        )
        servicer = _servicer(
            database, outside, works, schedules=schedules, watching=watching, status=status
        )
        hear = {QUEUED_CHANNEL: lambda _: execute(), CANCELLED_CHANNEL: execution.stop_scan}
        await stack.enter_async_context(heard(url, hear))
        add = partial(rpc.add_SchedulerServiceServicer_to_server, servicer)
        address = await stack.enter_async_context(serving(settings, SERVICE, add))
        # Before the server drains: it would wait for those who watch.
        stack.push_async_callback(watching.stop)
        yield address


def _forgetting(settings: SchedulerSettings, database: Database) -> Forgetting:
    kept = timedelta(days=settings.retention_days)
    return Forgetting(database, retention.forget_some, kept, retention.STEP)


async def _outside(
    stack: AsyncExitStack, settings: SchedulerSettings, ingestion: IngestionPeer, clock: Clock
) -> _Outside:
    box = SecretBox([key.get_secret_value() for key in settings.encryption_keys])
    ghl = await stack.enter_async_context(GhlClient.open(settings.ghl_base_url, clock))
    return _Outside(ingestion, ghl, box, _oauth_app(settings))


def _execution(
    settings: SchedulerSettings,
    database: Database,
    outside: _Outside,
    works: Clockwork,
    *,
    owner: str,
) -> Execution:
    tell = partial(works.wake, jobs.OUTBOX)
    gathering = Gathering(
        database,
        outside.ingestion,
        Reaching(database, outside.ghl, outside.box, outside.app),
        Definitions(database, outside.box),
        on_events=tell,
    )
    return Execution(
        database,
        Scanning(database, gathering, on_events=tell),
        owner=owner,
        slots=settings.concurrent_scans,
        longest=settings.scan_timeout,
        on_free=partial(works.wake, jobs.EXECUTE),
        on_events=tell,
    )


def _servicer(
    database: Database,
    outside: _Outside,
    works: Clockwork,
    *,
    schedules: Schedules,
    watching: Watching,
    status: Status,
) -> SchedulerServicer:
    execute, tell = partial(works.wake, jobs.EXECUTE), partial(works.wake, jobs.OUTBOX)
    ingestion, ghl, box, app = outside
    return SchedulerServicer(
        schedules=schedules,
        starting=Starting(database, on_queued=execute),
        cancelling=Cancelling(database),
        watching=watching,
        explaining=Explaining(database),
        listing=Listing(database),
        living=Living(database, on_events=tell),
        comparing=Comparing(database),
        connecting=Connecting(database, ghl, box, app, on_events=tell),
        uploading=Uploading(database, Definitions(database, box), ingestion),
        status=status,
        removing=Removing(database),
    )


def _oauth_app(settings: SchedulerSettings) -> OAuthApp | None:
    secret = settings.ghl_client_secret.get_secret_value()
    return OAuthApp(settings.ghl_client_id, secret) if settings.ghl_client_id and secret else None


def _readable(url: str) -> str:
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise DatabaseUrlUnreadable from error
    return url


async def _peers(
    stack: AsyncExitStack, settings: SchedulerSettings
) -> tuple[IngestionPeer, NotifierPeer]:
    to_ingestion = await stack.enter_async_context(
        # ReportWorkflows tells what is; telling it again changes nothing.
        channel(settings.ingestion_address, INGESTION, settings, idempotent=("ReportWorkflows",))
    )
    to_notifier = await stack.enter_async_context(
        # ReportEvents tells repeats by the events' ids.
        channel(settings.notifier_address, NOTIFIER, settings, idempotent=("ReportEvents",))
    )
    return (
        IngestionPeer(ingestion_pb2_grpc.IngestionServiceStub(to_ingestion)),
        NotifierPeer(notifier_pb2_grpc.NotifierServiceStub(to_notifier)),
    )


@asynccontextmanager
async def _dispatching(database: Database, notifier: NotifierPeer) -> AsyncIterator[Dispatcher]:
    """Tells the notifier until the block ends, then lets another process do so at once."""
    dispatcher = Dispatcher(database, notifier.report, service="scheduler")
    try:
        yield dispatcher
    finally:
        with suppress(problems.Unavailable):
            await dispatcher.hand_back()
