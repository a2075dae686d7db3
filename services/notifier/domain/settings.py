"""What is set at which level, and what holds: the nearest level that sets a value decides."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from libs import problems
from services.notifier.domain import quiet_hours
from services.notifier.domain.event import Severity
from services.notifier.domain.quiet_hours import QuietWindow
from services.notifier.domain.scope import Level, Scope

MOST_FAILURES = 10_000
MOST_HOURS = 720
MOST_MINUTES = 30 * 24 * 60
LONGEST_EMAIL = 254
LONGEST_LOCATION_NAME = 200

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")
"""No quotes, comments, lists or other alphabets: nothing that a header could read as more."""


class ThresholdOutOfRange(problems.InvalidRequest):
    """The failure threshold must be between 1 and 10,000."""

    reason = "THRESHOLD_OUT_OF_RANGE"


class WindowOutOfRange(problems.InvalidRequest):
    """The time window must be between 1 and 720 hours."""

    reason = "WINDOW_OUT_OF_RANGE"


class EmailMalformed(problems.InvalidRequest):
    """Give one address like name@example.com: at most 254 ASCII characters, no spaces."""

    reason = "EMAIL_MALFORMED"


class WebhookUrlMalformed(problems.InvalidRequest):
    """Give a URL like https://example.com/hook: no user, no fragment, at most 2,048 characters."""

    reason = "WEBHOOK_URL_MALFORMED"


class WebhookUrlForbidden(problems.InvalidRequest):
    """Webhooks go to public https addresses, port 443 or 8443, or where the operator allowed it."""

    reason = "WEBHOOK_URL_FORBIDDEN"


class TimezoneUnknown(problems.InvalidRequest):
    """Give the IANA name of a time zone, like America/Chicago."""

    reason = "TIMEZONE_UNKNOWN"


class IntervalOutOfRange(problems.InvalidRequest):
    """Intervals are between 0 (never) and 43,200 minutes (30 days)."""

    reason = "INTERVAL_OUT_OF_RANGE"


class LocationNameMisplaced(problems.InvalidRequest):
    """Only a location has a name, of at most 200 characters; a workflow and the installation do not."""

    reason = "LOCATION_NAME_MISPLACED"


class ScanSummary(StrEnum):
    """When the summary of a scan is told."""

    ALWAYS = "always"
    ON_CHANGE = "on_change"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """The settings that hold in a scope; as they stand here, they are built in."""

    scope: Scope
    enabled: bool = True
    failure_threshold: int = 3
    time_window_hours: int = 24
    alert_on_critical: bool = True
    alert_email: str = ""
    webhook_url: str = ""
    timezone: str = "America/Chicago"
    quiet_hours: tuple[QuietWindow, ...] = ()
    quiet_hours_hold_critical: bool = False
    scan_summary: ScanSummary = ScanSummary.ALWAYS
    critical_reminder_minutes: int = 240
    reminder_minutes: int = 1440
    update_interval_minutes: int = 60
    location_name: str = ""
    origins: Mapping[str, Level] = field(default_factory=dict)
    """The level of each value that is not built in."""

    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    effective_at: datetime | None = None
    """When something that holds here last changed, at this level or above."""

    @property
    def configured(self) -> bool:
        return self.version > 0

    @property
    def etag(self) -> str:
        return f"v{self.version}"

    def reminder_after(self, severity: Severity) -> timedelta | None:
        """Gives the time between two reminders; None for never."""
        critical = severity is Severity.CRITICAL
        minutes = self.critical_reminder_minutes if critical else self.reminder_minutes
        return timedelta(minutes=minutes) if minutes else None

    @property
    def update_interval(self) -> timedelta | None:
        """The least time between two messages that something got worse; None for no messages."""
        minutes = self.update_interval_minutes
        return timedelta(minutes=minutes) if minutes else None

    def quiet_until(self, now: datetime) -> datetime | None:
        """Gives when quiet hours end that are now; None when it is not quiet."""
        return quiet_hours.quiet_until(self.quiet_hours, ZoneInfo(self.timezone), now)


VALUES = (
    "enabled",
    "failure_threshold",
    "time_window_hours",
    "alert_on_critical",
    "alert_email",
    "webhook_url",
    "timezone",
    "quiet_hours",
    "quiet_hours_hold_critical",
    "scan_summary",
    "critical_reminder_minutes",
    "reminder_minutes",
    "update_interval_minutes",
    "location_name",
)
"""The names of all values that can be set."""

Change: TypeAlias = Mapping[str, Any]
"""New values by name; None clears one, so that the level above decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What is set at one level, and nothing else."""

    scope: Scope
    values: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    effective_at: datetime | None = None

    @property
    def etag(self) -> str:
        return f"v{self.version}"

    def changed(self, change: Change) -> "Layer":
        """Gives the layer with new values, checked; where webhooks may go, egress knows."""
        given = {name: value for name, value in change.items() if value is not None}
        if "location_name" in given and self.scope.level is not Level.LOCATION:
            raise LocationNameMisplaced.at("settings.location_name")
        for name, value in given.items():
            if name in _CHECKS:
                _CHECKS[name](value)
        kept = {name: value for name, value in self.values.items() if name not in change}
        return replace(self, values=kept | given)


Layers: TypeAlias = Mapping[Scope, Layer]


def effective(scope: Scope, layers: Layers, built_in: AlertSettings) -> AlertSettings:
    """Gives what holds in a scope."""
    there = [layers[each] for each in scope.path if each in layers]
    own = layers.get(scope) or Layer(scope=scope)
    values = {name: value for each in there for name, value in each.values.items()}
    origins = {name: each.scope.level for each in there for name in each.values}
    return replace(
        built_in,
        **values,
        scope=scope,
        origins=origins,
        version=own.version,
        created_at=own.created_at,
        updated_at=own.updated_at,
        effective_at=own.effective_at,
    )


@dataclass(frozen=True, slots=True)
class SettingsPosition:
    """Where a page of settings starts: after these."""

    effective_at: datetime
    scope: Scope


def is_email(text: str) -> bool:
    """Says whether a text is one plain address that mail can go to."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def _check_threshold(value: int) -> None:
    if not 1 <= value <= MOST_FAILURES:
        raise ThresholdOutOfRange.at("settings.failure_threshold")


def _check_window(value: int) -> None:
    if not 1 <= value <= MOST_HOURS:
        raise WindowOutOfRange.at("settings.time_window_hours")


def check_email(value: str, field: str = "settings.alert_email") -> None:
    """Refuses what is no address."""
    if not is_email(value):
        raise EmailMalformed.at(field)


def _check_alert_email(value: str) -> None:
    if value:
        check_email(value)


def _check_timezone(value: str) -> None:
    if value not in available_timezones():
        raise TimezoneUnknown.at("settings.timezone")


def _check_interval(name: str) -> Callable[[int], None]:
    def check(value: int) -> None:
        if not 0 <= value <= MOST_MINUTES:
            raise IntervalOutOfRange.at(f"settings.{name}")

    return check


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "failure_threshold": _check_threshold,
    "time_window_hours": _check_window,
    "alert_email": _check_alert_email,
    "timezone": _check_timezone,
    "quiet_hours": quiet_hours.check,
    **{
        name: _check_interval(name)
        for name in ("critical_reminder_minutes", "reminder_minutes", "update_interval_minutes")
    },
}
