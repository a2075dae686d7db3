"""Puts the notifier together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from libs import metrics
from libs.clock import Clock, SystemClock
from libs.clockwork import Clockwork, clockwork
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.db import migrations
from libs.db.database import Database
from libs.db.retention import Forgetting
from libs.rpc.server import serving
from libs.secrets import SecretBox
from services.notifier import jobs
from services.notifier.actions.addressing import Addressing
from services.notifier.actions.catching import Catching
from services.notifier.actions.configuring import Configuring
from services.notifier.actions.deciding import Deciding
from services.notifier.actions.delivering import Delivering
from services.notifier.actions.explaining import Explaining
from services.notifier.actions.failing_over import FailingOver
from services.notifier.actions.following import Following
from services.notifier.actions.inbox import Inbox
from services.notifier.actions.listing import Listing
from services.notifier.actions.posting import Posting
from services.notifier.actions.redacting import Redacting
from services.notifier.actions.reminding import Reminding
from services.notifier.actions.removing import Removing
from services.notifier.actions.replaying import Replaying
from services.notifier.actions.reporting import Reporting
from services.notifier.actions.silencing import Silencing
from services.notifier.actions.spreading import Spreading
from services.notifier.actions.target_news import TargetNews
from services.notifier.actions.targeting import Targeting
from services.notifier.actions.trying import Trying
from services.notifier.actions.watching import Watching
from services.notifier.channels import Sender
from services.notifier.channels.catcher import CatchingChannel
from services.notifier.channels.deadman import DeadMan
from services.notifier.channels.discord import DiscordChannel
from services.notifier.channels.egress import Egress
from services.notifier.channels.email import EmailChannel
from services.notifier.channels.layout import MailLayout
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.sms import SmsChannel
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.links import Links
from services.notifier.domain.pace import Waits
from services.notifier.domain.passes import Passes
from services.notifier.domain.scope import INSTALLATION
from services.notifier.domain.settings import AlertSettings
from services.notifier.domain.target import Channel
from services.notifier.servicer import NotifierServicer
from services.notifier.settings import NotifierSettings
from services.notifier.store import retention

MIGRATIONS = Path(__file__).parent / "store" / "migrations"
MINUTE = timedelta(minutes=1)
DELIVERING_POOL = 4
"""One connection claims and one settles; the others hand back at the end."""

SERVICE = pb.DESCRIPTOR.services_by_name["NotifierService"].full_name


class _Databases(NamedTuple):
    """The one database, over three kinds of connections."""

    asking: Database
    reporting: Database
    """Here `store/reports.py` keeps its statements prepared, and they keep to the indexes."""
    delivering: Database
    """However many report or ask, deliveries go on."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the calls and the jobs are made of."""

    settings: NotifierSettings
    clock: Clock
    databases: _Databases
    egress: Egress
    works: Clockwork
    box: SecretBox
    passes: Passes
    catching: Catching
    posting: Posting
    links: Links
    addressing: Addressing
    built_in: AlertSettings

    @property
    def database(self) -> Database:
        return self.databases.asking

    def wake(self) -> None:
        """Lets the deliveries look what is due."""
        self.works.wake(jobs.DELIVER)


@asynccontextmanager
async def running(
    settings: NotifierSettings,
    *,
    clock: Clock = SystemClock(),  # noqa: B008  it holds nothing
) -> AsyncIterator[str]:
    """Runs the notifier until the block ends. Yields the address it answers at."""
    await migrations.apply(settings.database_url.get_secret_value(), MIGRATIONS)
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics.exposed(settings.metrics_port))
        parts = await stack.enter_async_context(_parts(settings, clock))
        reporting = _reporting(parts)
        watching = _watching(parts)
        await stack.enter_async_context(_working(parts, reporting, watching))
        servicer = _servicer(parts, reporting, watching)
        add = partial(rpc.add_NotifierServiceServicer_to_server, servicer)
        yield await stack.enter_async_context(
            serving(settings, SERVICE, add, polled={"ListEffectiveSettings"})
        )


@asynccontextmanager
async def _parts(settings: NotifierSettings, clock: Clock) -> AsyncIterator[_Parts]:
    keys = [key.get_secret_value() for key in settings.encryption_keys]
    box, passes = SecretBox(keys), Passes(keys, settings.frontend_url)
    async with (
        _databases(settings) as databases,
        Egress.open(settings.egress_allow, own=settings.frontend_url) as egress,
        clockwork() as works,
    ):
        catching = Catching(databases.asking)
        senders = _senders(settings, egress, catching, passes, clock)
        yield _Parts(
            settings=settings,
            clock=clock,
            databases=databases,
            egress=egress,
            works=works,
            box=box,
            passes=passes,
            catching=catching,
            posting=Posting(senders, box, clock),
            links=Links(settings.frontend_url),
            addressing=Addressing(Waits(group=settings.group_wait)),
            built_in=_built_in(settings),
        )


@asynccontextmanager
async def _databases(settings: NotifierSettings) -> AsyncIterator[_Databases]:
    url = settings.database_url.get_secret_value()
    async with (
        Database.open(url, name="notifier") as asking,
        Database.open(url, name="reporting", by_index=True, exchanging=True) as reporting,
        Database.open(
            url, name="delivering", pool_size=DELIVERING_POOL, by_index=True, exchanging=True
        ) as delivering,
    ):
        yield _Databases(asking, reporting, delivering)


@asynccontextmanager
async def _working(parts: _Parts, reporting: Reporting, watching: Watching) -> AsyncIterator[None]:
    """Runs the jobs until the block ends."""
    database, works = parts.database, parts.works
    news = TargetNews(parts.links)
    delivering = Delivering(parts.databases.delivering, parts.posting, parts.links, news)
    async with jobs.delivering(works, delivering):
        jobs.fail_over(works, FailingOver(database))
        jobs.trim_caught_mail(works, parts.catching)
        kept = timedelta(days=parts.settings.retention_days)
        jobs.forget(works, Forgetting(database, retention.forget_some, kept, retention.STEP))
        reminding = Reminding(database, parts.addressing, parts.links, parts.built_in)
        jobs.remind(works, reminding)
        jobs.watch(works, watching)
        jobs.redact(works, _redacting(parts))
        jobs.spread(works, Spreading(database, reporting, parts.wake))
        yield


def _reporting(parts: _Parts) -> Reporting:
    deciding = Deciding(parts.addressing, parts.links, parts.settings.hold_down)
    return Reporting(parts.databases.reporting, deciding, parts.built_in, parts.wake)


def _redacting(parts: _Parts) -> Redacting:
    return Redacting(parts.database, partial(parts.works.wake, jobs.REDACT))


def _watching(parts: _Parts) -> Watching:
    url = parts.settings.deadman_url
    deadman = DeadMan(parts.egress, url.get_secret_value() if url else None)
    return Watching(parts.database, parts.addressing, parts.links, parts.built_in, deadman.alive)


def _servicer(parts: _Parts, reporting: Reporting, watching: Watching) -> NotifierServicer:
    database, links, built_in, wake = parts.database, parts.links, parts.built_in, parts.wake
    inbox = Inbox(database, parts.addressing, links, built_in, wake)
    replaying = Replaying(database, links, wake)
    return NotifierServicer(
        configuring=Configuring(database, parts.box, built_in, parts.egress.check, wake),
        reporting=reporting,
        redacting=_redacting(parts),
        inbox=inbox,
        following=Following(database, inbox, parts.passes),
        trying=Trying(database, parts.posting, links, parts.clock),
        listing=Listing(database, catches_mail=parts.settings.smtp_host is None),
        targeting=Targeting(database, parts.posting, parts.box, replaying, wake),
        silencing=Silencing(database),
        removing=Removing(database),
        replaying=replaying,
        watching=watching,
        explaining=Explaining(database, parts.addressing, links, built_in),
    )


def _built_in(settings: NotifierSettings) -> AlertSettings:
    """Gives what holds where nobody set anything."""
    return AlertSettings(
        scope=INSTALLATION,
        critical_reminder_minutes=round(settings.remind_critical_after / MINUTE),
        reminder_minutes=round(settings.remind_after / MINUTE),
    )


def _senders(
    settings: NotifierSettings, egress: Egress, catching: Catching, passes: Passes, clock: Clock
) -> Mapping[Channel, Sender]:
    layout = MailLayout(passes, clock)
    mail: Sender = (
        EmailChannel(settings, layout, passes)
        if settings.smtp_host
        else CatchingChannel(settings.smtp_from, layout, passes, catching.keep)
    )
    return {
        Channel.EMAIL: mail,
        Channel.WEBHOOK: WebhookChannel(egress, clock),
        Channel.SLACK: SlackChannel(egress, clock),
        Channel.DISCORD: DiscordChannel(egress, clock),
        Channel.SMS: SmsChannel(egress, clock, settings.twilio_url),
    }
