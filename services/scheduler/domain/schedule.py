"""When and what a location is scanned, as its owner wants it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from libs import problems
from services.scheduler.domain import blackouts, timing
from services.scheduler.domain.blackouts import BlackoutWindow
from services.scheduler.domain.timing import Frequency, Timing

MOST_SELECTED = 1000
WIDEST_SPREAD = timedelta(hours=6)
LONGEST_CHOSEN_CATCH_UP = timedelta(days=7)


class FrequencyMissing(problems.InvalidRequest):
    """Say how often to scan: daily, 12h, 6h, weekly or cron."""

    reason = "FREQUENCY_MISSING"


class SelectionEmpty(problems.InvalidRequest):
    """Scope selected needs 1 to 1,000 workflow ids; name some, or choose scope all or active."""

    reason = "SELECTION_EMPTY"


class SelectionTooLarge(problems.InvalidRequest):
    """At most 1,000 workflows can be selected; choose scope all or active instead."""

    reason = "SELECTION_TOO_LARGE"


class SpreadOutOfRange(problems.InvalidRequest):
    """Spread the start over 0 to 21,600 seconds (6 hours)."""

    reason = "SPREAD_OUT_OF_RANGE"


class CatchUpOutOfRange(problems.InvalidRequest):
    """Catch up for 0 to 604,800 seconds (7 days), or leave it out for half the period."""

    reason = "CATCH_UP_OUT_OF_RANGE"


class OverlapPolicy(StrEnum):
    """What becomes of a fire that meets a scan of its location."""

    SKIP = "skip"
    """It is skipped, and the ledger names the scan."""
    BUFFER_ONE = "buffer_one"
    """One waits until that scan ends; more are skipped."""


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
    spread_seconds: int = 0
    """Start times of locations lie within so many seconds; one location's is always the same."""
    blackout_windows: tuple[BlackoutWindow, ...] = ()
    catchup_seconds: int | None = None
    """How late a fire is still caught up; None for half the period, at most 12 hours."""
    overlap_policy: OverlapPolicy = OverlapPolicy.SKIP
    schedule_id: str = ""
    version: int = 0
    error: str = ""
    """Why its next time cannot be computed; empty when it can."""
    overdue: bool = False
    """Whether people were told that no scan completes; the next that does ends it."""
    switched_at: datetime | None = None
    """When it was last switched on or off; it is created on, or off."""
    switched_by: str = ""
    switch_reason: str = ""
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
            delay=place_in_spread(self.location_id, self.spread_seconds),
            blackout_windows=self.blackout_windows,
        )

    @property
    def catch_up(self) -> timedelta | None:
        """How late a fire is still caught up, when its owner chose."""
        return None if self.catchup_seconds is None else timedelta(seconds=self.catchup_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants scanned now. Without a scope: as the schedule says."""

    scope: ScanScope | None = None
    selected: tuple[str, ...] = ()
    counts_as_next_fire: bool = False

    @property
    def digest(self) -> str:
        """The same for the same wish."""
        said = json.dumps([self.scope, self.selected, self.counts_as_next_fire])
        return blake2b(said.encode(), digest_size=16).hexdigest()


def place_in_spread(location_id: str, spread_seconds: int) -> timedelta:
    """Gives how much later a location starts: whole seconds, evenly spread, always the same."""
    digest = blake2b(location_id.encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest) * spread_seconds >> 64)


def settled(schedule: Schedule, now: datetime) -> Schedule:
    """Gives the schedule with its defaults, and without what its frequency does not use.

    Raises the problem of the first field that is wrong. Selected workflows are kept
    under any scope, so that switching back brings them back.
    """
    if not 0 <= schedule.spread_seconds <= WIDEST_SPREAD.total_seconds():
        raise SpreadOutOfRange.at("spread_seconds")
    if not 0 <= (schedule.catchup_seconds or 0) <= LONGEST_CHOSEN_CATCH_UP.total_seconds():
        raise CatchUpOutOfRange.at("catchup_seconds")
    spread = timedelta(seconds=schedule.spread_seconds)
    windows = blackouts.settled(schedule.blackout_windows, spread)
    settled_timing = timing.settled(replace(schedule, blackout_windows=windows).timing, now)
    return replace(
        schedule,
        blackout_windows=windows,
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
