"""What a location wants to be told, and within which limits that may be said."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from libs import problems

MOST_FAILURES = 10_000
MOST_HOURS = 720
LONGEST_EMAIL = 254

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


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The alert settings of one location; as they stand here, they hold where none were made."""

    location_id: str
    enabled: bool = True
    failure_threshold: int = 3
    time_window_hours: int = 24
    alert_on_critical: bool = True
    alert_email: str | None = None
    webhook_url: str | None = None
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def configured(self) -> bool:
        return self.version > 0

    @property
    def etag(self) -> str:
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class SettingsPosition:
    """Where a page of settings starts: after these."""

    updated_at: datetime
    location_id: str


Change: TypeAlias = Mapping[str, Any]
"""New values by name; None clears an address, or sets the default."""


def is_email(text: str) -> bool:
    """Says whether a text is one plain address that mail can go to."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def changed(settings: AlertSettings, change: Change) -> AlertSettings:
    """Gives the settings with new values, checked; where webhooks may go, egress knows."""
    defaults = AlertSettings(settings.location_id)
    values = {
        name: getattr(defaults, name) if value is None else value for name, value in change.items()
    }
    for name, value in values.items():
        if name in _CHECKS:
            _CHECKS[name](value)
    return replace(settings, **values)


def _check_threshold(value: int) -> None:
    if not 1 <= value <= MOST_FAILURES:
        raise ThresholdOutOfRange.at("settings.failure_threshold")


def _check_window(value: int) -> None:
    if not 1 <= value <= MOST_HOURS:
        raise WindowOutOfRange.at("settings.time_window_hours")


def check_email(value: str | None, field: str = "settings.alert_email") -> None:
    """Refuses what is given and is no address."""
    if value is not None and not is_email(value):
        raise EmailMalformed.at(field)


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "failure_threshold": _check_threshold,
    "time_window_hours": _check_window,
    "alert_email": check_email,
}
