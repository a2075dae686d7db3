"""Why somebody was told, or was not: what was decided of an event, and what of that each target heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from libs import problems
from services.notifier.domain.decision import Mute, Suppression
from services.notifier.domain.delivery import Delivery, DeliveryStatus
from services.notifier.domain.event import Kind, Severity
from services.notifier.domain.inbox import Attempt
from services.notifier.domain.incident import Incident
from services.notifier.domain.scope import Level
from services.notifier.domain.settings import AlertSettings
from services.notifier.domain.target import Target
from services.notifier.domain.wording import moment


class EventNotFound(problems.NotFound):
    """The location has no such event, or it is too old to be kept."""

    reason = "EVENT_NOT_FOUND"


class Outcome(StrEnum):
    """What an event did."""

    OPENED = "opened"
    RAISED = "raised"
    COUNTED = "counted"
    RESOLVED = "resolved"
    SUMMED_UP = "summed_up"
    NOTHING_OPEN = "nothing_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided of an event, and by what; kept with the event."""

    outcome: Outcome
    mute: Mute | None = None
    quiet_until: datetime | None = None
    """When the quiet hours end that it fell into."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """The settings that decided; none where only a count went up."""

    origins: Mapping[str, Level] = field(default_factory=dict)


def decided(
    outcome: Outcome, settings: AlertSettings, mute: Mute | None, now: datetime
) -> Decision:
    """Gives what is kept of a decision; addresses are kept with the targets only."""
    return Decision(
        outcome=outcome,
        mute=mute,
        quiet_until=settings.quiet_until(now),
        values={name: getattr(settings, name) for name in DECIDING},
        origins={name: settings.origins.get(name, Level.BUILT_IN) for name in DECIDING},
    )


DECIDING = (
    "enabled",
    "failure_threshold",
    "time_window_hours",
    "alert_on_critical",
    "timezone",
    "quiet_hours",
    "quiet_hours_hold_critical",
    "scan_summary",
    "critical_reminder_minutes",
    "reminder_minutes",
    "update_interval_minutes",
)
"""The values of the settings that a decision depends on."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, in order; the first that stops it is the last."""

    name: str
    passed: bool
    detail: str


class Fate(StrEnum):
    """What becomes of a message to one target."""

    SEND = "send"
    FOLD = "fold"
    HOLD = "hold"
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one target heard, or would hear."""

    fate: Fate
    reason: str
    until: datetime | None = None
    target: Target | None = None
    delivery: Delivery | None = None
    attempts: Sequence[Attempt] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All of it."""

    location_id: str
    workflow_id: str
    kind: Kind
    severity: Severity
    dedup_key: str
    decision: Decision
    decided_at: datetime
    incident: Incident | None
    heard: Sequence[Heard]
    imagined: bool = False

    @property
    def told(self) -> bool:
        """Whether somebody was told, will be, or would be."""
        failed = [
            each.delivery and each.delivery.status is DeliveryStatus.FAILED for each in self.heard
        ]
        return any(
            each.fate is not Fate.SUPPRESS and not gave_up
            for each, gave_up in zip(self.heard, failed, strict=True)
        )

    @property
    def answer(self) -> str:
        """The whole story in a sentence or two."""
        return f"{self._did()} {self._was_heard()}"

    def checks(self) -> Sequence[Check]:
        """Gives what was looked at, until something stopped it."""
        decision, found = self.decision, []
        for check in (self._repeat(), *_muting(decision, self.kind)):
            found.append(check)
            if not check.passed:
                return found
        return [*found, _quiet(decision, self.severity)]

    def _repeat(self) -> Check:
        outcome = self.decision.outcome
        return Check("news", outcome not in SILENT, _OUTCOMES[outcome])

    def _did(self) -> str:
        would = "Would have done so: " if self.imagined else ""
        return f"{would}{_OUTCOMES[self.decision.outcome]}"

    def _was_heard(self) -> str:
        mute = self.decision.mute
        if mute and not self.told:
            return f"Nobody is told: {REASONS[mute.because]}"
        if not self.heard:
            return "Nobody was told of it by itself."
        return " ".join(_heard(each) for each in self.heard)


SILENT = (Outcome.COUNTED, Outcome.NOTHING_OPEN)
_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OPENED: "It began, or was the first that anybody could be told of.",
    Outcome.RAISED: "It was more severe than what the incident was open for; that is told at once.",
    Outcome.COUNTED: "It counted in an incident that was open already; repeats are not told.",
    Outcome.RESOLVED: "It ended the open incident; those who were told of it are told.",
    Outcome.SUMMED_UP: "It summed up a scan.",
    Outcome.NOTHING_OPEN: "It would have ended something, but nothing was open.",
}
REASONS: Mapping[Suppression, str] = {
    Suppression.ALERTS_DISABLED: "alerts are switched off.",
    Suppression.CRITICAL_ALERTS_DISABLED: "critical findings of scans do not alert here.",
    Suppression.SILENCED: "a silence covers it.",
    Suppression.INHIBITED: "an open incident stands for it and lists it.",
    Suppression.NO_TARGET: "there is nowhere to send it to.",
    Suppression.NO_SUMMARIES: "summaries of scans are not wanted.",
    Suppression.NOTHING_CHANGED: "the scan found nothing new and nothing fixed.",
    Suppression.NO_OPEN_INCIDENT: "nothing was open that it could end.",
    Suppression.ALREADY_WAITING: "something of the same incident waits for the target.",
    Suppression.TARGET_DISABLED: "the target was switched off.",
    Suppression.TARGET_REMOVED: "the target was removed.",
    Suppression.BELOW_FLOOR: "the target wants only what is more severe.",
    Suppression.NOT_WANTED: "the target does not want such messages.",
    Suppression.MONTHLY_CAP: "the target has had as many messages as a month allows.",
    Suppression.FOLDED: "it was over before it was told; the message that it is over says both.",
    Suppression.OUTDATED: "it became more severe before it was told; the message that it did says both.",
    Suppression.SUPERSEDED: "it began again before its end was told.",
}


def _muting(decision: Decision, kind: Kind) -> Sequence[Check]:
    """Gives what may keep an event from everybody, in the order in which it is looked at."""
    because = decision.mute.because if decision.mute else None
    questions = [
        ("enabled", Suppression.ALERTS_DISABLED, "Alerts are switched on."),
        ("scan_summary", Suppression.NO_SUMMARIES, "Summaries of scans are wanted."),
        ("scan_changes", Suppression.NOTHING_CHANGED, "The scan is wanted as it is."),
        ("alert_on_critical", Suppression.CRITICAL_ALERTS_DISABLED, "Critical findings alert."),
        ("cause", Suppression.INHIBITED, "No open incident stands for it."),
        ("silences", Suppression.SILENCED, "No silence covers it."),
        ("targets", Suppression.NO_TARGET, "There is somewhere to send it to."),
    ]
    asked = [each for each in questions if _is_asked(each[0], kind)]
    return [
        Check(name, because is not reason, _because(decision) if because is reason else passed)
        for name, reason, passed in asked
    ]


def _is_asked(name: str, kind: Kind) -> bool:
    if name in ("scan_summary", "scan_changes"):
        return kind is Kind.SCAN_COMPLETED
    if name == "alert_on_critical":
        return kind is Kind.CRITICAL_FINDING
    return name != "cause" or kind is Kind.WORKFLOW_FAILING


def _because(decision: Decision) -> str:
    assert decision.mute
    by = f" ({decision.mute.by})" if decision.mute.by else ""
    return f"{REASONS[decision.mute.because].capitalize().rstrip('.')}{by}."


def _quiet(decision: Decision, severity: Severity) -> Check:
    until = decision.quiet_until
    if until is None:
        return Check("quiet_hours", True, "It is not quiet now.")
    held = severity is not Severity.CRITICAL or decision.values.get("quiet_hours_hold_critical")
    if not held:
        return Check("quiet_hours", True, "Quiet hours do not hold what is critical.")
    return Check("quiet_hours", False, f"Held by quiet hours until {moment(until)}.")


def _heard(heard: Heard) -> str:
    where = heard.delivery.sent_to if heard.delivery else heard.target and heard.target.masked
    to = f"{where}: " if where else ""
    return f"{to}{heard.reason}"
