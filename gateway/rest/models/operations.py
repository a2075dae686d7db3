"""How the parts are."""

from typing import Annotated, Literal

from pydantic import AwareDatetime

from gateway.rest.models.shapes import Answer, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

Verdict = Literal["pass", "warn", "fail"]


class Alive(Answer):
    """That it is."""

    status: Literal["pass"] = "pass"


class PartHealth(Answer):
    """How one part is."""

    part: str
    status: Verdict
    latency_ms: float
    since: AwareDatetime
    """When it was first seen to be as it is."""
    last_error: str | None
    last_error_at: AwareDatetime | None


class DetailedHealth(Answer):
    """How everything is."""

    status: Verdict
    """The worst of all parts."""
    checked_at: AwareDatetime
    parts: list[PartHealth]


class Replica(Answer):
    """One process of the scheduler."""

    replica_id: str
    started_at: AwareDatetime | None
    heartbeat_at: AwareDatetime | None
    last_tick_at: AwareDatetime | None
    skew_ms: int
    """How far its clock is ahead of the database's."""
    tzdata_version: str | None


class FireCounts(Answer):
    """What became of fires and scans."""

    fired: int
    late: int
    missed: int
    skipped: int
    completed: int
    failed: int


class SchedulerStatus(Answer):
    """Whether the clockwork is alive."""

    state: Annotated[str, words(pb.GetSchedulerStatusResponse.State.DESCRIPTOR)]
    reason: str | None
    """Why; null when all is well."""
    database_time: AwareDatetime | None
    replicas: list[Replica]
    due_count: int
    """Schedules whose time has come, counted up to 10,000."""
    oldest_due_age: float | None
    """How long the oldest of them waits, in seconds."""
    queued_count: int
    running_count: int
    expired_lease_count: int
    schedules_in_error: int
    next_fire_at: AwareDatetime | None
    last_24_hours: FireCounts | None
    enabled_schedules: int
    overdue_schedules: int
    """Schedules that completed no scan for one and a half periods."""
