"""What a location's failures are made of, and how its runs are spread over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from services.ingestion.domain import failure
from services.ingestion.domain.trend import RunCounts

LONGEST_BY_HOUR = timedelta(days=3)


class Bucket(StrEnum):
    """How long one bucket of a timeline is; of days those of UTC."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return timedelta(hours=1) if self is Bucket.HOUR else timedelta(days=1)

    @classmethod
    def fitting(cls, window: timedelta) -> "Bucket":
        """Gives the bucket for who did not ask for one."""
        return cls.HOUR if window <= LONGEST_BY_HOUR else cls.DAY

    def start(self, at: datetime) -> datetime:
        """Gives the start of the bucket that a time lies in."""
        if self is Bucket.HOUR:
            return at.replace(minute=0, second=0, microsecond=0)
        return datetime.combine(at.date(), time(), at.tzinfo)


@dataclass(frozen=True, slots=True)
class Scope:
    """A location, or one of its workflows."""

    location_id: str
    workflow_id: str = ""
    """Empty is all of them."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A window that ends now, and the equal one before it."""

    start: datetime
    end: datetime

    @property
    def previous_start(self) -> datetime:
        return self.start - (self.end - self.start)

    @classmethod
    def until(cls, end: datetime, window: timedelta) -> "Windows":
        return cls(end - window, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How often something went wrong in a window, and in the one before."""

    count: int
    previous_count: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Errors that differ only in ids, numbers, addresses and quoted values."""

    error_class: str
    fingerprint: str
    recurrence: Recurrence
    sample_message: str
    failed_action_name: str
    execution_ids: tuple[str, ...]
    workflow_count: int
    workflow_ids: tuple[str, ...]
    contact_count: int
    buckets: tuple[tuple[datetime, int], ...]

    @property
    def expected(self) -> bool:
        return self.error_class == failure.EXPECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroups:
    """The most frequent groups of a window."""

    windows: Windows
    bucket: Bucket
    groups: tuple[ErrorGroup, ...]
    group_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingStep:
    """A step of a workflow at which runs failed."""

    workflow_id: str
    failed_action_id: str
    failed_action_name: str
    error_class: str
    recurrence: Recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingSteps:
    """The steps of a window with most failures."""

    windows: Windows
    steps: tuple[FailingStep, ...]
    step_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The runs of a window, bucket by bucket, those without a run included."""

    windows: Windows
    bucket: Bucket
    buckets: tuple[tuple[datetime, RunCounts], ...]
    current: RunCounts
    previous: RunCounts


def timeline(
    windows: Windows,
    bucket: Bucket,
    counted: Mapping[datetime, RunCounts],
    previous: RunCounts,
) -> Timeline:
    """Gives the timeline of what was counted, with zeros where nothing was.

    A run may be a few minutes ahead of our clock, so the last bucket may be too.
    """
    start, last = bucket.start(windows.start), max([bucket.start(windows.end), *counted])
    places = range((last - start) // bucket.length + 1)
    moments = [start + place * bucket.length for place in places]
    return Timeline(
        windows=windows,
        bucket=bucket,
        buckets=tuple((at, counted.get(at, RunCounts())) for at in moments),
        current=sum(counted.values(), RunCounts()),
        previous=previous,
    )
