"""One scan of a location, and how far it is."""

from enum import StrEnum


class ScanTrigger(StrEnum):
    """What started a scan."""

    SCHEDULE = "schedule"
    MANUAL = "manual"


class ScanStatus(StrEnum):
    """How far a scan is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSED = "missed"
    SKIPPED = "skipped"
