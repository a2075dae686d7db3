"""Who is told of an event, and if nobody, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notifier.domain.event import Kind, ScanCompleted, Severity
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.scope import INSTALLATION
from services.notifier.domain.settings import AlertSettings, ScanSummary
from services.notifier.domain.silence import Silence
from services.notifier.domain.target import Target


class Suppression(StrEnum):
    """Why a message is not sent."""

    ALERTS_DISABLED = "alerts_disabled"
    CRITICAL_ALERTS_DISABLED = "critical_alerts_disabled"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
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
    OUTDATED = "superseded_by_raised"


class Hold(StrEnum):
    """Why a message waits, other than for company."""

    SETTLING = "settling"
    """Until it is certain that the end lasts."""

    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"
    TOGETHER = "together"
    """To be told with more of the kind."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Why nobody is told."""

    because: Suppression
    by: str = ""
    """The silence or the incident that suppresses it."""

    until: datetime | None = None
    """When it may be told after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a location wants to be told, and what."""

    settings: AlertSettings
    targets: Sequence[Target]
    known: Sequence[Target]
    """Those that may have been told before the settings changed, too."""

    silences: Sequence[Silence]
    now: datetime
    spread_by: str = ""
    """The open incident that tells the targets of the installation of the same error."""

    def hears_of_spread(self, target: Target) -> bool:
        """Says whether a target is told by the incident of the same error instead."""
        return bool(self.spread_by) and target.location_id == INSTALLATION.location_id

    def mute_for(self, kind: Kind, severity: Severity, cause: str = "") -> Mute | None:
        """Gives the reason why nobody is told of such events; None when somebody is.

        `cause` is the open incident that stands for it, if there is one.
        """
        if not self.settings.enabled:
            return Mute(Suppression.ALERTS_DISABLED)
        if kind is Kind.CRITICAL_FINDING and not self.settings.alert_on_critical:
            return Mute(Suppression.CRITICAL_ALERTS_DISABLED)
        if cause:
            return Mute(Suppression.INHIBITED, cause)
        if silence := self._silence_over(kind, severity):
            return Mute(Suppression.SILENCED, silence.silence_id, silence.ends_at)
        return self._nobody_is_there()

    def _nobody_is_there(self) -> Mute | None:
        if not self.targets:
            return Mute(Suppression.NO_TARGET)
        spared = all(self.hears_of_spread(each) for each in self.targets)
        return Mute(Suppression.INHIBITED, self.spread_by) if spared else None

    def _silence_over(self, kind: Kind, severity: Severity) -> Silence | None:
        """Gives the silence that lasts longest of those over such events."""
        scope = self.settings.scope
        over = [each for each in self.silences if each.covers(scope, kind, severity)]
        return max(over, key=lambda each: each.ends_at, default=None)

    def reaches_somebody(
        self,
        kind: Kind,
        severity: Severity,
        occasion: Occasion = Occasion.OPENED,
        cause: str = "",
    ) -> bool:
        """Says whether a message about such an event would be sent to at least one target."""
        return self.mute_for(kind, severity, cause) is None and any(
            not each.disabled
            and not self.hears_of_spread(each)
            and each.admits(severity)
            and each.wants(occasion)
            for each in self.targets
        )

    def mute_for_summary(self, scan: ScanCompleted) -> Mute | None:
        """Gives the reason why the summary of a scan is not told; None when it is."""
        match self.settings.scan_summary:
            case ScanSummary.NEVER:
                return Mute(Suppression.NO_SUMMARIES)
            case ScanSummary.ON_CHANGE if not scan.has_changed:
                return Mute(Suppression.NOTHING_CHANGED)
        return None


def deafness(target: Target, message: Message) -> Suppression | None:
    """Gives the reason why a target does not want to begin to hear of something; None if it does.

    That it is over is told to whoever heard that it began, however little severe an end is.
    """
    if message.occasion is not Occasion.RESOLVED and not target.admits(message.severity):
        return Suppression.BELOW_FLOOR
    return None if target.wants(message.occasion) else Suppression.NOT_WANTED
