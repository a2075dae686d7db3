"""What can become of a time at which a schedule fires."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a fire: how its scan is, or why there is none."""

    COMPLETED = "completed"
    RUNNING = "running"
    QUEUED = "queued"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSED = "missed"
    SKIPPED = "skipped"
    PAUSED = "paused"
    NO_SCHEDULE = "no_schedule"
    NOT_YET = "not_yet"
    DUE = "due"
    BROKEN = "broken"
    FORGOTTEN = "forgotten"
