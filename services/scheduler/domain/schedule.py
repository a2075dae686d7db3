"""When and what a location is scanned, as its owner wants it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from libs import problems
from services.scheduler.domain import timing
from services.scheduler.domain.timing import Frequency, Timing

MOST_SELECTED = 1000


class FrequencyMissing(problems.InvalidRequest):
    """Say how often to scan: daily, 12h, 6h, weekly or cron."""

    reason = "FREQUENCY_MISSING"


class SelectionEmpty(problems.InvalidRequest):
    """Scope selected needs 1 to 1,000 workflow ids; name some, or choose scope all or active."""

    reason = "SELECTION_EMPTY"


class SelectionTooLarge(problems.InvalidRequest):
    """At most 1,000 workflows can be selected; choose scope all or active instead."""

    reason = "SELECTION_TOO_LARGE"


class ScanScope(StrEnum):
    """Which workflows of the location are scanned."""

    ALL = "all"
    ACTIVE = "active"
    SELECTED = "selected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a location is scanned; make it valid with `settled`, change it with `replace`."""

    location_id: str
    frequency: Frequency
    enabled: bool = True
    preferred_time: str = ""
    timezone: str = ""
    weekday: int | None = None
    cron_expression: str = ""
    scan_scope: ScanScope = ScanScope.ALL
    selected_workflow_ids: tuple[str, ...] = ()
    schedule_id: str = ""
    version: int = 0
    last_scan_at: datetime | None = None
    next_scan_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def timing(self) -> Timing:
        """The part that decides when it fires."""
        return Timing(
            frequency=self.frequency,
            preferred_time=self.preferred_time,
            timezone=self.timezone,
            weekday=self.weekday,
            cron_expression=self.cron_expression,
        )


def settled(schedule: Schedule, now: datetime) -> Schedule:
    """Gives the schedule with its defaults, and without what its frequency does not use.

    Raises the problem of the first field that is wrong. Selected workflows are kept
    under any scope, so that switching back brings them back.
    """
    settled_timing = timing.settled(schedule.timing, now)
    return replace(
        schedule,
        preferred_time=settled_timing.preferred_time,
        timezone=settled_timing.timezone,
        weekday=settled_timing.weekday,
        cron_expression=settled_timing.cron_expression,
        selected_workflow_ids=selection(schedule.scan_scope, schedule.selected_workflow_ids),
    )


def selection(scope: ScanScope, workflow_ids: Iterable[str]) -> tuple[str, ...]:
    """Gives the ids, each once; raises `SelectionEmpty` or `SelectionTooLarge`."""
    selected = tuple(dict.fromkeys(filter(None, workflow_ids)))
    if len(selected) > MOST_SELECTED:
        raise SelectionTooLarge.at("selected_workflow_ids")
    if scope is ScanScope.SELECTED and not selected:
        raise SelectionEmpty.at("selected_workflow_ids")
    return selected
