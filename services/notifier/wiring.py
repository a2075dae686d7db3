"""Puts the notifier together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from libs import metrics
from libs.clock import Clock, SystemClock
from libs.clockwork import clockwork
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
SERVICE = pb.DESCRIPTOR.services_by_name["NotifierService"].full_name


@asynccontextmanager
async def running(
    settings: NotifierSettings,
    *,
    clock: Clock = SystemClock(),  # noqa: B008  it holds nothing
) -> AsyncIterator[str]:
    """Runs the notifier until the block ends. Yields the address it answers at."""
    url = settings.database_url.get_secret_value()
    await migrations.apply(url, MIGRATIONS)
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics.exposed(settings.metrics_port))
        database = await stack.enter_async_context(Database.open(url, name="notifier"))
        egress = await stack.enter_async_context(
            Egress.open(settings.egress_allow, own=settings.frontend_url)
        )
        catching = Catching(database)
        keys = [key.get_secret_value() for key in settings.encryption_keys]
        box, passes = SecretBox(keys), Passes(keys, settings.frontend_url)
        posting = Posting(_senders(settings, egress, catching, passes, clock), box, clock)
        links = Links(settings.frontend_url)
        works = await stack.enter_async_context(clockwork())
        delivering = Delivering(database, posting, links, TargetNews(links))
        await stack.enter_async_context(jobs.delivering(works, delivering))
        jobs.fail_over(works, FailingOver(database))
        jobs.trim_caught_mail(works, catching)
        kept = timedelta(days=settings.retention_days)
        jobs.forget(works, Forgetting(database, retention.forget_some, kept, retention.STEP))
        wake = partial(works.wake, jobs.DELIVER)
        addressing = Addressing(Waits(group=settings.group_wait))
        built_in = _built_in(settings)
        jobs.remind(works, Reminding(database, addressing, links, built_in))
        deciding = Deciding(addressing, links, settings.hold_down)
        reporting = Reporting(database, deciding, built_in, wake)
        deadman = DeadMan(
            egress, settings.deadman_url.get_secret_value() if settings.deadman_url else None
        )
        watching = Watching(database, addressing, links, built_in, deadman.alive)
        jobs.watch(works, watching)
        jobs.spread(works, Spreading(database, reporting, wake))
        inbox = Inbox(database, addressing, links, built_in, wake)
        replaying = Replaying(database, links, wake)
        servicer = NotifierServicer(
            configuring=Configuring(database, box, built_in, egress.check, wake),
            reporting=reporting,
            inbox=inbox,
            following=Following(database, inbox, passes),
            trying=Trying(database, posting, links, clock),
            listing=Listing(database, catches_mail=settings.smtp_host is None),
            targeting=Targeting(database, posting, box, replaying, wake),
            silencing=Silencing(database),
            removing=Removing(database),
            replaying=replaying,
            watching=watching,
            explaining=Explaining(database, addressing, links, built_in),
        )
        add = partial(rpc.add_NotifierServiceServicer_to_server, servicer)
        yield await stack.enter_async_context(
            serving(settings, SERVICE, add, polled={"ListEffectiveSettings"})
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
