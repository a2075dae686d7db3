"""Who is told of an event, and if nobody, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notifier.domain.event import Kind, ScanCompleted, severity_of
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.settings import AlertSettings, ScanSummary
from services.notifier.domain.target import Target


class Suppression(StrEnum):
    """Why a message is not sent."""

    ALERTS_DISABLED = "alerts_disabled"
    CRITICAL_ALERTS_DISABLED = "critical_alerts_disabled"
    NO_TARGET = "no_target"
    NO_SUMMARIES = "no_summaries"
    NOTHING_CHANGED = "nothing_changed"
    ALREADY_WAITING = "already_waiting"
    NO_OPEN_INCIDENT = "no_open_incident"
    TARGET_DISABLED = "target_disabled"
    TARGET_REMOVED = "target_removed"
    BELOW_FLOOR = "below_severity_floor"
    NOT_WANTED = "not_wanted"
    MONTHLY_CAP = "monthly_cap"
    FOLDED = "folded_into_resolved"
    SUPERSEDED = "superseded_by_opened"


class Hold(StrEnum):
    """Why a message waits, other than for company."""

    SETTLING = "settling"
    """Until it is certain that the end lasts."""

    QUIET_HOURS = "quiet_hours"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a location wants to be told, and what."""

    settings: AlertSettings
    targets: Sequence[Target]
    now: datetime

    def silence_for(self, kind: Kind) -> Suppression | None:
        """Gives the reason why the location is not told of such events; None when it is."""
        if not self.settings.enabled:
            return Suppression.ALERTS_DISABLED
        if kind is Kind.CRITICAL_FINDING and not self.settings.alert_on_critical:
            return Suppression.CRITICAL_ALERTS_DISABLED
        if not self.targets:
            return Suppression.NO_TARGET
        return None

    def reaches_somebody(self, kind: Kind, occasion: Occasion = Occasion.OPENED) -> bool:
        """Says whether a message about such an event would be sent to at least one target."""
        return self.silence_for(kind) is None and any(
            not each.disabled and each.admits(severity_of(kind)) and each.wants(occasion)
            for each in self.targets
        )

    def summary_not_wanted(self, scan: ScanCompleted) -> Suppression | None:
        """Gives the reason why the summary of a scan is not told; None when it is."""
        match self.settings.scan_summary:
            case ScanSummary.NEVER:
                return Suppression.NO_SUMMARIES
            case ScanSummary.ON_CHANGE if not scan.has_changed:
                return Suppression.NOTHING_CHANGED
        return None


def deafness(target: Target, message: Message) -> Suppression | None:
    """Gives the reason why a target does not want to begin to hear of something; None if it does.

    That it is over is told to whoever heard that it began, however little severe an end is.
    """
    if message.occasion is not Occasion.RESOLVED and not target.admits(message.severity):
        return Suppression.BELOW_FLOOR
    return None if target.wants(message.occasion) else Suppression.NOT_WANTED
