"""Scan schedules."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest import wire
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

FrequencyWord = Literal["daily", "12h", "6h", "weekly", "cron"]
ScopeWord = Literal["all", "active", "selected"]
OverlapWord = Literal["skip", "buffer_one"]
Frequency = Annotated[str, words(pb.Frequency.DESCRIPTOR)]
ScanScope = Annotated[str, words(pb.ScanScope.DESCRIPTOR)]
OverlapPolicy = Annotated[str, words(pb.OverlapPolicy.DESCRIPTOR)]


class BlackoutBody(Body):
    """A time of day in which nothing is scanned; what falls into it runs at its end."""

    start: str
    """`HH:MM` by the schedule's time zone."""
    end: str
    """`HH:MM`, on the next day when it is not later than the start."""
    weekdays: list[int] = Field(default_factory=list)
    """Local weekdays on which it begins, 0 = Monday; every day when none is given."""

    def message(self) -> pb.BlackoutWindow:
        """Gives the window as a message."""
        return pb.BlackoutWindow(
            start=self.start, end=self.end, weekdays=[wire.int32(each) for each in self.weekdays]
        )


class ScheduleBody(Body):
    """When and what to scan. A field that is not given stays as it is; null sets its default."""

    model_config = examples(
        {"frequency": "daily", "preferredTime": "06:30", "timezone": "America/New_York"},
        {
            "frequency": "weekly",
            "weekday": 0,
            "preferredTime": "02:00",
            "scanScope": "selected",
            "selectedWorkflowIds": ["wf-welcome"],
        },
        {
            "frequency": "6h",
            "spreadSeconds": 600,
            "blackoutWindows": [{"start": "08:00", "end": "18:00", "weekdays": [0, 1, 2, 3, 4]}],
            "overlapPolicy": "buffer_one",
            "catchupSeconds": 3600,
        },
        {"enabled": False},
    )

    enabled: bool | None = None
    """Whether it fires. Default true."""
    frequency: FrequencyWord | None = None
    """How often. Needed when the schedule is created."""
    preferred_time: str | None = None
    """Local time of day, `HH:MM`. Default 02:00. Not used by cron."""
    timezone: str | None = None
    """IANA name of the time zone. Default America/Chicago."""
    weekday: int | None = None
    """Local weekday of weekly schedules, 0 = Monday to 6 = Sunday."""
    cron_expression: str | None = None
    """Five fields as Debian cron reads them. Only with frequency cron."""
    scan_scope: ScopeWord | None = None
    """Which workflows. Default all."""
    selected_workflow_ids: list[str] | None = None
    """The workflows of scope selected, 1 to 1,000."""
    spread_seconds: int | None = None
    """Start times of locations lie within so many seconds, 0 to 21,600. Default 0."""
    blackout_windows: list[BlackoutBody] | None = None
    """When not to scan, at most 20 windows."""
    catchup_seconds: int | None = None
    """How late a fire is still caught up, 0 to 604,800. Default half the period, at most 12 h."""
    overlap_policy: OverlapWord | None = None
    """What becomes of a fire that meets a scan: skip (default), or buffer_one."""

    def message(self, location_id: str) -> pb.Schedule:
        """Gives the fields that are set, for a location."""
        return pb.Schedule(
            location_id=location_id,
            enabled=self.enabled,
            frequency=wire.number(pb.Frequency.DESCRIPTOR, self.frequency),
            preferred_time=self.preferred_time or "",
            timezone=self.timezone or "",
            weekday=wire.int32_or_none(self.weekday),
            cron_expression=self.cron_expression or "",
            scan_scope=wire.number(pb.ScanScope.DESCRIPTOR, self.scan_scope),
            selected_workflow_ids=self.selected_workflow_ids,
            spread_seconds=wire.int32(self.spread_seconds or 0),
            blackout_windows=[each.message() for each in self.blackout_windows or ()],
            catchup_seconds=wire.int32_or_none(self.catchup_seconds),
            overlap_policy=wire.number(pb.OverlapPolicy.DESCRIPTOR, self.overlap_policy),
        )


class SwitchBody(Body):
    """Why a schedule is paused or resumed."""

    model_config = examples({"reason": "The account is being moved."})

    reason: str = ""
    """Shown with the schedule. At most 500 characters."""


class PreviewBody(ScheduleBody):
    """A schedule to try; nothing is stored."""

    model_config = examples(
        {"frequency": "cron", "cronExpression": "0 7 * * 1-5", "timezone": "Europe/Berlin"}
    )

    count: int = 0
    """How many runs, 1 to 100. Default 5."""


class BlackoutWindow(Answer):
    """A time of day in which nothing is scanned."""

    start: str
    end: str
    weekdays: list[int]


class Schedule(Answer):
    """When a location is scanned."""

    schedule_id: str
    location_id: str
    enabled: bool
    frequency: Frequency
    preferred_time: str | None
    timezone: str
    weekday: int | None
    cron_expression: str | None
    scan_scope: ScanScope
    selected_workflow_ids: list[str]
    last_scan_at: AwareDatetime | None
    next_scan_at: AwareDatetime | None
    """null while disabled."""
    next_runs: list[AwareDatetime]
    """The next five times it fires."""
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    spread_seconds: int
    blackout_windows: list[BlackoutWindow]
    catchup_seconds: int | None
    """null for half the period, at most 12 hours."""
    overlap_policy: OverlapPolicy | None
    switched_at: AwareDatetime | None
    """When it was last switched on or off, its creation included."""
    switched_by: str | None
    switch_reason: str | None
    error: str | None
    """Why its next time cannot be computed; null when it can."""
    overdue: bool
    """Whether people were told that no scan of it completed for one and a half periods."""


class PlannedRun(Answer):
    """One time a schedule would fire."""

    fires_at: AwareDatetime
    local_time: str
    """The same on the wall clock of the zone."""
    clock_change: str | None
    """What the clocks do around it; null on ordinary days."""
    blackout: str | None
    """Which time fell into a blackout window and runs now; null when none did."""


class Preview(Answer):
    """The next times a schedule would fire."""

    runs: list[PlannedRun]


class RunNowBody(Body):
    """What to scan; without it the scope of the schedule, or `active` without one."""

    model_config = examples({"scanScope": "all"}, {"countsAsNextFire": True})

    scan_scope: ScopeWord | None = None
    selected_workflow_ids: list[str] = Field(default_factory=list)
    """The workflows of scope selected."""
    counts_as_next_fire: bool = False
    """Whether the next fire of the schedule is left out for it. Only without a scope."""
