"""Reads and writes the settings of the installation, a location or a workflow."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from typing import Any, Protocol

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.quiet_hours import EVERY_DAY, QuietHoursMalformed, QuietWindow
from services.notifier.domain.scope import INSTALLATION, Level, Scope
from services.notifier.domain.settings import (
    LONGEST_LOCATION_NAME,
    VALUES,
    AlertSettings,
    Change,
    ScanSummary,
)
from services.notifier.domain.text import one_line
from services.notifier.translate import fields

_LEVELS = {
    Level.BUILT_IN: pb.SETTINGS_LEVEL_BUILT_IN,
    Level.INSTALLATION: pb.SETTINGS_LEVEL_INSTALLATION,
    Level.LOCATION: pb.SETTINGS_LEVEL_LOCATION,
    Level.WORKFLOW: pb.SETTINGS_LEVEL_WORKFLOW,
}
_SUMMARIES = {
    ScanSummary.ALWAYS: pb.SCAN_SUMMARY_ALWAYS,
    ScanSummary.ON_CHANGE: pb.SCAN_SUMMARY_ON_CHANGE,
    ScanSummary.NEVER: pb.SCAN_SUMMARY_NEVER,
}
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_SUMMARIES_GIVEN: Mapping[int, ScanSummary] = {ours: word for word, ours in _SUMMARIES.items()}


class UpdateMaskEmpty(problems.InvalidRequest):
    """Name at least one field to change in update_mask."""

    reason = "UPDATE_MASK_EMPTY"


class UpdateMaskUnknownField(problems.InvalidRequest):
    """The update_mask may name only fields that can be changed."""

    reason = "UPDATE_MASK_UNKNOWN_FIELD"


class ScanSummaryUnknown(problems.InvalidRequest):
    """Say when scans are summed up: always, on change, or never."""

    reason = "SCAN_SUMMARY_UNKNOWN"


class About(Protocol):
    """What names the location and the workflow that settings are for."""

    location_id: str
    workflow_id: str


def scope_from(request: pb.GetAlertSettingsRequest) -> Scope:
    """Reads what settings are asked for."""
    return scope_of(request, installation=request.installation)


def changed_scope_from(request: pb.UpdateAlertSettingsRequest) -> Scope:
    """Reads what settings are to be changed."""
    return scope_of(request.settings, "settings.", installation=request.installation)


def change_from(request: pb.UpdateAlertSettingsRequest) -> Change:
    """Reads what is to be changed; None stands for what is cleared."""
    paths = list(request.update_mask.paths)
    if not paths:
        raise UpdateMaskEmpty.at("update_mask")
    unknown = [path for path in paths if path not in VALUES]
    if unknown:
        message = f"{unknown[0][:80]!r} cannot be changed; these can: {', '.join(VALUES)}."
        raise UpdateMaskUnknownField.at("update_mask", message)
    return {path: _value(request.settings, path) for path in paths}


def settings_to(settings: AlertSettings) -> pb.AlertSettings:
    return pb.AlertSettings(
        location_id=settings.scope.location_id,
        workflow_id=settings.scope.workflow_id,
        enabled=settings.enabled,
        failure_threshold=settings.failure_threshold,
        time_window_hours=settings.time_window_hours,
        alert_on_critical=settings.alert_on_critical,
        alert_email=settings.alert_email or None,
        webhook_url=settings.webhook_url or None,
        timezone=settings.timezone,
        quiet_hours=pb.QuietHours(windows=[_window_to(each) for each in settings.quiet_hours]),
        quiet_hours_hold_critical=settings.quiet_hours_hold_critical,
        scan_summary=_SUMMARIES[settings.scan_summary],
        critical_reminder_minutes=settings.critical_reminder_minutes,
        reminder_minutes=settings.reminder_minutes,
        update_interval_minutes=settings.update_interval_minutes,
        location_name=settings.location_name or None,
        origins=origins_to(settings),
        configured=settings.configured,
        etag=settings.etag,
        created_at=timestamp(settings.created_at),
        updated_at=timestamp(settings.updated_at),
    )


def origins_to(settings: AlertSettings) -> Iterable[pb.SettingOrigin]:
    for name in VALUES:
        level = settings.origins.get(name, Level.BUILT_IN)
        yield pb.SettingOrigin(field=name, level=_LEVELS[level])


def effective_to(settings: AlertSettings) -> pb.EffectiveSettings:
    return pb.EffectiveSettings(
        location_id=settings.scope.location_id,
        workflow_id=settings.scope.workflow_id,
        enabled=settings.enabled,
        failure_threshold=settings.failure_threshold,
        time_window_hours=settings.time_window_hours,
        # Of the installation nobody asks when; the newest answer holds.
        updated_at=None if settings.scope == INSTALLATION else timestamp(settings.effective_at),
    )


def scope_of(about: About, prefix: str = "", *, installation: bool) -> Scope:
    """Reads whether something is for the installation, a location or a workflow."""
    if installation:
        if about.location_id or about.workflow_id:
            raise fields.InstallationHasNone.at(f"{prefix}location_id")
        return INSTALLATION
    location_id = fields.location_id(about.location_id, f"{prefix}location_id")
    if not about.workflow_id:
        return Scope(location_id)
    return Scope(location_id, fields.workflow_id(about.workflow_id, f"{prefix}workflow_id"))


def _value(settings: pb.AlertSettings, path: str) -> object:
    if not settings.HasField(path):  # type: ignore[arg-type]
        return None
    value: Any = getattr(settings, path)
    return _READ[path](value) if path in _READ else value


def _quiet_hours(given: pb.QuietHours) -> tuple[QuietWindow, ...]:
    return tuple(_window(each) for each in given.windows)


def _window(given: pb.QuietWindow) -> QuietWindow:
    weekdays = tuple(sorted(set(given.weekdays))) or EVERY_DAY
    if not set(weekdays) <= set(EVERY_DAY):
        raise QuietHoursMalformed.at("settings.quiet_hours")
    return QuietWindow(_time(given.start), _time(given.end), weekdays)


def _time(given: str) -> time:
    if not _TIME.fullmatch(given):
        raise QuietHoursMalformed.at("settings.quiet_hours")
    return time.fromisoformat(given)


def _window_to(window: QuietWindow) -> pb.QuietWindow:
    return pb.QuietWindow(
        start=f"{window.start:%H:%M}", end=f"{window.end:%H:%M}", weekdays=window.weekdays
    )


def _summary(given: int) -> ScanSummary:
    if given not in _SUMMARIES_GIVEN:
        raise ScanSummaryUnknown.at("settings.scan_summary")
    return _SUMMARIES_GIVEN[given]


def _location_name(given: str) -> str:
    return one_line(given, LONGEST_LOCATION_NAME)


_READ: Mapping[str, Callable[[Any], object]] = {
    "location_name": _location_name,
    "quiet_hours": _quiet_hours,
    "scan_summary": _summary,
}
