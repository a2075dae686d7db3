"""Scan schedules."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest import wire
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

FrequencyWord = Literal["daily", "12h", "6h", "weekly", "cron"]
ScopeWord = Literal["all", "active", "selected"]
Frequency = Annotated[str, words(pb.Frequency.DESCRIPTOR)]
ScanScope = Annotated[str, words(pb.ScanScope.DESCRIPTOR)]


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
        )


class PreviewBody(ScheduleBody):
    """A schedule to try; nothing is stored."""

    model_config = examples(
        {"frequency": "cron", "cronExpression": "0 7 * * 1-5", "timezone": "Europe/Berlin"}
    )

    count: int = 0
    """How many runs, 1 to 100. Default 5."""


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


class PlannedRun(Answer):
    """One time a schedule would fire."""

    fires_at: AwareDatetime
    local_time: str
    """The same on the wall clock of the zone."""
    clock_change: str | None
    """What the clocks do around it; null on ordinary days."""


class Preview(Answer):
    """The next times a schedule would fire."""

    runs: list[PlannedRun]


class RunNowBody(Body):
    """What to scan; without it the scope of the schedule, or `active` without one."""

    model_config = examples({"scanScope": "all"})

    scan_scope: ScopeWord | None = None
    selected_workflow_ids: list[str] = Field(default_factory=list)
    """The workflows of scope selected."""
