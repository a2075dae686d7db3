"""Something that was done to a schedule."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.scheduler.domain.schedule import Schedule


class ChangeKind(StrEnum):
    """What was done."""

    CREATED = "created"
    CHANGED = "changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleChange:
    """What was done, by whom, and the schedule from then on; None when it was deleted."""

    kind: ChangeKind
    changed_at: datetime
    schedule_id: str
    actor: str = ""
    reason: str = ""
    schedule: Schedule | None = None

    def __str__(self) -> str:
        """Says it in a sentence's part: "paused by the night shift at 2026-03-10 09:00 UTC"."""
        by = f" by {self.actor}" if self.actor else ""
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.kind}{by} at {self.changed_at:%F %H:%M} UTC{why}"


def kind_of(before: Schedule | None, after: Schedule) -> ChangeKind:
    """Names what makes one schedule of the other."""
    if before is None:
        return ChangeKind.CREATED
    if before.enabled == after.enabled:
        return ChangeKind.CHANGED
    return ChangeKind.RESUMED if after.enabled else ChangeKind.PAUSED
