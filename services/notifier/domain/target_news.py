"""What one target is told of another: that it fails, was switched off, works again."""

from dataclasses import replace
from datetime import datetime

from services.notifier.domain.event import Severity
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.target import Channel, Target
from services.notifier.domain.text import cut
from services.notifier.domain.wording import Fact, moment

LONGEST_ERROR = 300
_NAMES = {
    Channel.EMAIL: "e-mail",
    Channel.WEBHOOK: "webhook",
    Channel.SLACK: "Slack",
    Channel.DISCORD: "Discord",
    Channel.SMS: "SMS",
}
SWITCH_ON = "Repair it, then switch it on; what it missed can be sent after all."


def instead(message: Message, target: Target, error: str) -> Message:
    """Gives the message for the one who is told in place of a target."""
    why = f"The {_named(target)} is failing: {cut(error, LONGEST_ERROR)}"
    failover = {"channel": target.channel, "target": target.masked, "error": error}
    return replace(
        message,
        facts=(Fact("Sent here because", why), *message.facts),
        content={**message.content, "failover": failover},
    )


def gave_up(subject: str, attempts: int, target: Target, at: datetime, links: Links) -> Message:
    """Tells that an alert did not reach a target, and never will by itself."""
    facts = (
        Fact("Not delivered", subject),
        Fact("Attempts", str(attempts)),
        Fact("What to do", "See the deliveries that failed; they can be sent again."),
    )
    title = f"An alert could not be delivered to the {_named(target)}"
    return _news("gave_up", Severity.WARNING, title, facts, target=target, at=at, links=links)


def switched_off(because: str, target: Target, at: datetime, links: Links) -> Message:
    """Tells that nothing is sent to a target any more."""
    facts = (
        Fact("Why", cut(because, LONGEST_ERROR)),
        Fact("What to do", SWITCH_ON),
    )
    title = f"The {_named(target)} was switched off"
    return _news("switched_off", Severity.WARNING, title, facts, target=target, at=at, links=links)


def works_again(target: Target, at: datetime, links: Links) -> Message:
    """Tells whoever stood in for a target that it need not any more."""
    number = target.failed_over_count
    facts = (Fact("Sent here meanwhile", f"{number} alert" + ("s" if number > 1 else "")),)
    title = f"Recovered: the {_named(target)} works again"
    return _news("works_again", Severity.INFO, title, facts, target=target, at=at, links=links)


def month_is_full(target: Target, at: datetime, links: Links) -> Message:
    """Tells that a target is sent nothing more this month."""
    facts = (
        Fact("Sent this month", f"{target.monthly_cap}, which is its limit"),
        Fact("What to do", "Raise the limit, or wait for the next month."),
    )
    title = f"The {_named(target)} has used up its month"
    return _news("month_is_full", Severity.WARNING, title, facts, target=target, at=at, links=links)


def _news(
    what: str,
    severity: Severity,
    title: str,
    facts: tuple[Fact, ...],
    *,
    target: Target,
    at: datetime,
    links: Links,
) -> Message:
    about = (Fact("Target", target.name), Fact("Location", target.location_id))
    page = links.settings(target.location_id)
    return Message(
        occasion=Occasion.TARGET,
        severity=severity,
        title=title,
        occurred_at=at,
        facts=tuple(each for each in (*facts, *about, Fact("Reported", moment(at))) if each.text),
        link=page,
        link_text="Open the alert settings",
        settings_link=page,
        content={
            "test": False,
            "location_id": target.location_id,
            "severity": severity,
            "occasion": Occasion.TARGET,
            "title": title,
            "target": {
                "target_id": target.target_id,
                "channel": target.channel,
                "address": target.masked,
                "news": what,
            },
        },
    )


def _named(target: Target) -> str:
    return f"{_NAMES[target.channel]} {target.masked}"
