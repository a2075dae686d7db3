"""Puts ingestion together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from libs import metrics, problems
from libs.clockwork import Clockwork, clockwork
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.contracts.notifier.v1 import notifier_pb2 as notifier_pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as notifier_rpc
from libs.db import migrations
from libs.db.database import Database
from libs.db.outbox import Dispatcher
from libs.rpc.client import channel
from libs.rpc.server import serving
from libs.secrets import SecretBox
from services.ingestion import jobs
from services.ingestion.actions.analysing import Analysing
from services.ingestion.actions.following import ThresholdCopy
from services.ingestion.actions.forgetting import Forgetting
from services.ingestion.actions.giving_up import GivingUp
from services.ingestion.actions.importing import Importing
from services.ingestion.actions.learning import Learning
from services.ingestion.actions.listing import Listing
from services.ingestion.actions.measuring import Measuring
from services.ingestion.actions.noticing import Noticing
from services.ingestion.actions.recording import Recording
from services.ingestion.actions.removing import Removing
from services.ingestion.actions.replaying import Replaying
from services.ingestion.actions.reporting import Reporting
from services.ingestion.actions.telling import Telling
from services.ingestion.actions.tidying import Tidying
from services.ingestion.actions.watching import Watching
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.peers import NotifierPeer
from services.ingestion.servicer import IngestionServicer
from services.ingestion.settings import IngestionSettings

MIGRATIONS = Path(__file__).parent / "store" / "migrations"
SERVICE = pb.DESCRIPTOR.services_by_name["IngestionService"].full_name
NOTIFIER = notifier_pb.DESCRIPTOR.services_by_name["NotifierService"]
POLLED = frozenset({"GetIngestionStatus", "KeepDoorOpen"})
JOBS_GRACE = timedelta(seconds=1)
"""Every job may be cut off anywhere; one that waits for the notifier would wait long."""


class _Databases(NamedTuple):
    """The one database, over two kinds of connections."""

    asking: Database
    recording: Database


@asynccontextmanager
async def running(settings: IngestionSettings) -> AsyncIterator[str]:
    """Runs ingestion until the block ends. Yields the address it answers at."""
    url = settings.database_url.get_secret_value()
    await migrations.apply(url, MIGRATIONS)
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics.exposed(settings.metrics_port))
        asking = Database.open(url, name="ingestion", by_index=True)
        recording = Database.open(url, name="recording", by_index=True, exchanging=True)
        databases = _Databases(
            await stack.enter_async_context(asking), await stack.enter_async_context(recording)
        )
        tidying = Tidying(databases.asking, timedelta(days=settings.retention_days))
        await tidying.make_partitions()
        to_notifier = await stack.enter_async_context(
            channel(settings.notifier_address, NOTIFIER, settings, idempotent={"ReportEvents"})
        )
        notifier = NotifierPeer(notifier_rpc.NotifierServiceStub(to_notifier))
        dispatcher = Dispatcher(databases.asking, notifier.report, service="ingestion")
        works = await stack.enter_async_context(
            _working(settings, databases, notifier, dispatcher, tidying)
        )
        watching = await stack.enter_async_context(Watching.open(databases.asking))
        reporting = Reporting(databases.asking, dispatcher)
        servicer = _servicer(settings, databases, works, watching, reporting)
        add = partial(rpc.add_IngestionServiceServicer_to_server, servicer)
        address = await stack.enter_async_context(serving(settings, SERVICE, add, polled=POLLED))
        # Before the server drains: it would wait for streams that never end.
        stack.push_async_callback(watching.stop)
        yield address


@asynccontextmanager
async def _working(
    settings: IngestionSettings,
    databases: _Databases,
    notifier: NotifierPeer,
    dispatcher: Dispatcher,
    tidying: Tidying,
) -> AsyncIterator[Clockwork]:
    """Runs the jobs until the block ends, then lets another process dispatch at once."""
    database = databases.asking
    try:
        async with clockwork(JOBS_GRACE) as works:
            thresholds = ThresholdCopy(database, notifier, partial(works.wake, jobs.OUTBOX))
            recording = _recording(settings, databases, works)
            jobs.start(
                works,
                telling=Telling(database, dispatcher),
                dispatcher=dispatcher,
                thresholds=thresholds,
                tidying=tidying,
                giving_up=GivingUp(database, recording, settings.run_limit_hours),
                noticing=_noticing(settings, databases, works),
            )
            yield works
    finally:
        with suppress(problems.Unavailable):
            await dispatcher.hand_back()


def _servicer(
    settings: IngestionSettings,
    databases: _Databases,
    works: Clockwork,
    watching: Watching,
    reporting: Reporting,
) -> IngestionServicer:
    database, recording = databases.asking, _recording(settings, databases, works)
    return IngestionServicer(
        recording=recording,
        replaying=Replaying(database, _box(settings), recording),
        listing=Listing(database, _contacts(settings)),
        measuring=Measuring(database, settings.run_limit_hours),
        analysing=Analysing(database),
        watching=watching,
        importing=Importing(
            databases.recording, _contacts(settings), timedelta(days=settings.retention_days)
        ),
        learning=Learning(database),
        forgetting=_forgetting(settings, databases, works),
        removing=Removing(database),
        reporting=reporting,
        noticing=_noticing(settings, databases, works),
    )


def _forgetting(settings: IngestionSettings, databases: _Databases, works: Clockwork) -> Forgetting:
    wake = partial(works.wake, jobs.OUTBOX)
    return Forgetting(databases.asking, _box(settings), _contacts(settings), wake)


def _noticing(settings: IngestionSettings, databases: _Databases, works: Clockwork) -> Noticing:
    return Noticing(databases.asking, settings.gap_after, partial(works.wake, jobs.OUTBOX))


def _recording(settings: IngestionSettings, databases: _Databases, works: Clockwork) -> Recording:
    wake = partial(works.wake, jobs.OUTBOX)
    return Recording(databases.recording, _box(settings), _contacts(settings), wake)


def _box(settings: IngestionSettings) -> SecretBox:
    return SecretBox([key.get_secret_value() for key in settings.encryption_keys])


def _contacts(settings: IngestionSettings) -> ContactRefs:
    return ContactRefs([key.get_secret_value() for key in settings.encryption_keys])
