"""Reads requests; refuses malformed ones by field."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from libs import paging, problems
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import datetime_from
from services.scheduler.domain.blackouts import BlackoutWindow
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.domain.schedule import (
    Asked,
    FrequencyMissing,
    OverlapPolicy,
    ScanScope,
    Schedule,
)
from services.scheduler.domain.timing import Frequency
from services.scheduler.translate import refusals

N = TypeVar("N", bound=int)
T = TypeVar("T")

LONGEST_ID = 64
LONGEST_REQUEST_ID = 200
LONGEST_REASON = 500
DEFAULT_COUNT, MOST_COUNT = 5, 100

FREQUENCIES = {
    pb.FREQUENCY_DAILY: Frequency.DAILY,
    pb.FREQUENCY_12H: Frequency.EVERY_12_HOURS,
    pb.FREQUENCY_6H: Frequency.EVERY_6_HOURS,
    pb.FREQUENCY_WEEKLY: Frequency.WEEKLY,
    pb.FREQUENCY_CRON: Frequency.CRON,
}
SCOPES = {
    pb.SCAN_SCOPE_ALL: ScanScope.ALL,
    pb.SCAN_SCOPE_ACTIVE: ScanScope.ACTIVE,
    pb.SCAN_SCOPE_SELECTED: ScanScope.SELECTED,
}
OVERLAP_POLICIES = {
    pb.OVERLAP_POLICY_SKIP: OverlapPolicy.SKIP,
    pb.OVERLAP_POLICY_BUFFER_ONE: OverlapPolicy.BUFFER_ONE,
}
STATUSES = {
    pb.SCAN_STATUS_QUEUED: ScanStatus.QUEUED,
    pb.SCAN_STATUS_RUNNING: ScanStatus.RUNNING,
    pb.SCAN_STATUS_COMPLETED: ScanStatus.COMPLETED,
    pb.SCAN_STATUS_FAILED: ScanStatus.FAILED,
    pb.SCAN_STATUS_CANCELLED: ScanStatus.CANCELLED,
    pb.SCAN_STATUS_MISSED: ScanStatus.MISSED,
    pb.SCAN_STATUS_SKIPPED: ScanStatus.SKIPPED,
}
SEVERITIES = {
    pb.SEVERITY_CRITICAL: Severity.CRITICAL,
    pb.SEVERITY_WARNING: Severity.WARNING,
    pb.SEVERITY_INFO: Severity.INFO,
}


class _OfLocation(Protocol):
    @property
    def location_id(self) -> str: ...


class _OfScan(Protocol):
    @property
    def scan_id(self) -> str: ...


class _Changing(Protocol):
    @property
    def actor(self) -> str: ...


class _Reasoned(Protocol):
    @property
    def reason(self) -> str: ...


class _Paged(Protocol):
    @property
    def page_size(self) -> int: ...

    @property
    def page_token(self) -> str: ...


def location_from(request: _OfLocation) -> str:
    """Reads which location it is about."""
    if not request.location_id:
        raise refusals.LocationMissing.at("location_id")
    return text(request.location_id, "location_id", LONGEST_ID)


def scan_from(request: _OfScan) -> str:
    """Reads which scan it is about."""
    if not request.scan_id:
        raise refusals.ScanMissing.at("scan_id")
    return scan_or_last_from(request)


def scan_or_last_from(request: _OfScan) -> str:
    """Reads which scan it is about; empty means the last completed one."""
    return text(request.scan_id, "scan_id", LONGEST_ID)


def page_from(request: _Paged) -> dict[str, Any]:
    """Reads which page is wanted, as the lists take it."""
    return {"size": paging.page_size(request.page_size), "token": request.page_token}


def values_from(request: pb.UpsertScheduleRequest) -> Mapping[str, Any]:
    """Reads the fields that change, by their names in the domain."""
    if not request.HasField("update_mask"):
        return {name: read(request.schedule) for name, read in FIELDS.items()}
    if not request.update_mask.paths:
        raise refusals.UpdateMaskEmpty.at("update_mask")
    if unknown := [path for path in request.update_mask.paths if path not in FIELDS]:
        choice = ", ".join(FIELDS)
        message = f"{unknown[0][:LONGEST_ID]!r} cannot be changed; these can: {choice}."
        raise refusals.UpdateMaskUnknownField.at("update_mask", message)
    return {path: FIELDS[path](request.schedule) for path in request.update_mask.paths}


def version_from(request: pb.UpsertScheduleRequest) -> int | None:
    """Reads which version is to be changed; one that never was can never be met."""
    if not request.etag:
        return None
    return int(request.etag) if request.etag.isascii() and request.etag.isdigit() else -1


def planned_from(request: pb.PreviewScheduleRequest) -> Schedule:
    """Reads a schedule that need not be stored, as far as it decides when it fires."""
    location_id = text(request.schedule.location_id, "location_id", LONGEST_ID)
    asked = {name: FIELDS[name](request.schedule) for name in TIMING_FIELDS}
    return Schedule(location_id=location_id, **asked)


def actor_from(request: _Changing) -> str:
    """Reads who changes something."""
    return text(request.actor, "actor", LONGEST_REQUEST_ID)


def reason_from(request: _Reasoned) -> str:
    """Reads why something is done."""
    return text(request.reason, "reason", LONGEST_REASON)


def count_from(request: pb.PreviewScheduleRequest) -> int:
    """Reads how many runs are wanted."""
    if not 0 <= request.count <= MOST_COUNT:
        raise refusals.CountOutOfRange.at("count")
    return request.count or DEFAULT_COUNT


def key_from(request: pb.RunScanRequest) -> str:
    """Reads what makes a repeated call give the same scan; empty when nothing does."""
    return text(request.request_id, "request_id", LONGEST_REQUEST_ID)


def asked_from(request: pb.RunScanRequest) -> Asked:
    """Reads what is to be scanned; without a scope as the schedule says."""
    scope = None
    if request.scan_scope != pb.SCAN_SCOPE_UNSPECIFIED:
        scope = _scope(request)
    elif request.selected_workflow_ids:
        raise refusals.SelectionWithoutScope.at("scan_scope")
    return Asked(
        scope=scope,
        selected=selected_from(request),
        counts_as_next_fire=request.counts_as_next_fire,
    )


def at_from(request: pb.ExplainFireRequest) -> datetime | None:
    """Reads which time is in question; None means now."""
    return datetime_from(request.at, "at") if request.HasField("at") else None


def selected_from(message: pb.RunScanRequest | pb.Schedule) -> tuple[str, ...]:
    """Reads the selected workflows."""
    return tuple(
        text(each, "selected_workflow_ids", LONGEST_ID) for each in message.selected_workflow_ids
    )


def status_from(request: pb.ListScansRequest) -> ScanStatus | None:
    """Reads which scans are wanted; None means all."""
    return chosen(STATUSES, request.status, "status", refusals.StatusUnknown)


def severity_from(request: pb.ListFindingsRequest) -> Severity | None:
    """Reads which findings are wanted; None means all."""
    return chosen(SEVERITIES, request.severity, "severity", refusals.SeverityUnknown)


def _frequency(schedule: pb.Schedule) -> Frequency:
    if schedule.frequency not in FREQUENCIES:
        raise FrequencyMissing.at("frequency")
    return FREQUENCIES[schedule.frequency]


def _scope(message: pb.RunScanRequest | pb.Schedule) -> ScanScope:
    scope = chosen(SCOPES, message.scan_scope, "scan_scope", refusals.ScanScopeUnknown)
    return scope or ScanScope.ALL


def _blackout_windows(schedule: pb.Schedule) -> tuple[BlackoutWindow, ...]:
    return tuple(
        BlackoutWindow(each.start, each.end, tuple(each.weekdays))
        for each in schedule.blackout_windows
    )


def _catchup_seconds(schedule: pb.Schedule) -> int | None:
    return schedule.catchup_seconds if schedule.HasField("catchup_seconds") else None


def _overlap_policy(schedule: pb.Schedule) -> OverlapPolicy:
    number, unknown = schedule.overlap_policy, refusals.OverlapPolicyUnknown
    return chosen(OVERLAP_POLICIES, number, "overlap_policy", unknown) or OverlapPolicy.SKIP


FIELDS: Mapping[str, Callable[[pb.Schedule], Any]] = {
    "enabled": lambda schedule: schedule.enabled if schedule.HasField("enabled") else True,
    "frequency": _frequency,
    "preferred_time": lambda schedule: schedule.preferred_time,
    "timezone": lambda schedule: schedule.timezone,
    "weekday": lambda schedule: schedule.weekday if schedule.HasField("weekday") else None,
    "cron_expression": lambda schedule: schedule.cron_expression,
    "scan_scope": _scope,
    "selected_workflow_ids": selected_from,
    "spread_seconds": lambda schedule: schedule.spread_seconds,
    "blackout_windows": _blackout_windows,
    "catchup_seconds": _catchup_seconds,
    "overlap_policy": _overlap_policy,
}
"""What of a schedule can be changed; an absent field is read as its default."""
TIMING_FIELDS = (
    "frequency",
    "preferred_time",
    "timezone",
    "weekday",
    "cron_expression",
    "spread_seconds",
    "blackout_windows",
)


def chosen(
    choices: Mapping[N, T], number: N, field: str, unknown: type[problems.InvalidRequest]
) -> T | None:
    """Reads an enum's value; None when it was not given."""
    if number and number not in choices:
        raise unknown.at(field)
    return choices.get(number)


def text(given: str, field: str, longest: int) -> str:
    """Reads a text that can be stored."""
    if "\0" in given:
        raise refusals.TextMalformed.at(field)
    if len(given) > longest:
        raise refusals.FieldTooLong.at(field, f"At most {longest} characters.")
    return given
