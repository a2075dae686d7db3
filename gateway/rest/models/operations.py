"""How the parts are."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest.models.gaps import Gap
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


class Outbox(Answer):
    """What the notifier must be told."""

    outbox_events: int = Field(validation_alias="outbox_count")
    """Events that wait to be told to the notifier."""
    outbox_oldest_seconds: float | None = Field(validation_alias="outbox_oldest_age")
    """How long the oldest of them waits."""
    dead_letters: int = Field(validation_alias="dead_letter_count")
    """Events that the notifier refused for good."""


class IngestionQueue(Outbox):
    """What waits in ingestion."""

    last_recorded_at: AwareDatetime | None
    """When the last batch was recorded, at most a day ago."""
    open_runs: int = Field(validation_alias="open_run_count")
    """Runs that began and did not end, counted up to 10,000."""
    quarantined: int = Field(validation_alias="quarantined_count")
    """Deliveries that could not be read, counted up to 10,000."""
    last_gap: Gap | None = Field(validation_alias="last_recording_gap")
    """The newest time in which nothing could be recorded; null when none ended within 24 hours."""


class SchedulerQueue(Outbox):
    """What waits in the scheduler."""

    overdue_scans: int = Field(validation_alias="due_count")
    """Schedules whose time has come, counted up to 10,000."""
    oldest_overdue_seconds: float | None = Field(validation_alias="oldest_due_age")
    queued_scans: int = Field(validation_alias="queued_count")
    running_scans: int = Field(validation_alias="running_count")


class NotifierQueue(Answer):
    """What waits in the notifier."""

    due_deliveries: int = Field(validation_alias="due_count")
    """Deliveries that could be sent now."""
    oldest_due_seconds: float | None = Field(validation_alias="oldest_due_age")
    """For how long the oldest of them could be."""
    failing_targets: int
    switched_off_targets: int
    given_up_last_24_hours: int = Field(validation_alias="given_up_count")
    """Deliveries that were given up."""


class Queues(Answer):
    """What waits; null where a service does not answer."""

    webhooks: int
    """Taken by this gateway, and not yet recorded."""
    ingestion: IngestionQueue | None
    scheduler: SchedulerQueue | None
    notifier: NotifierQueue | None


class DetailedHealth(Answer):
    """How everything is."""

    status: Verdict
    """The worst of all parts; `warn` at least when there are concerns."""
    checked_at: AwareDatetime
    parts: list[PartHealth]
    concerns: list[str]
    """What waits for too long or is lost, for people."""
    queues: Queues


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
