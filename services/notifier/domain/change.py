"""What was changed about a workflow before it failed, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SECONDS_A_MINUTE = 60
FEW_MINUTES = timedelta(minutes=100)
FEW_HOURS = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """A change of a workflow in GoHighLevel; what is not known is empty."""

    changed_at: datetime | None = None
    version: int | None = None
    previous_version: int | None = None
    status: str = ""
    previous_status: str = ""
    name: str = ""
    previous_name: str = ""

    def __str__(self) -> str:
        """Says what became of it, the end of a sentence: "v23 became v24"."""
        if self.version is not None and self.version != self.previous_version:
            version = f"v{self.version}"
            before = self.previous_version
            return f"{version} was saved" if before is None else f"v{before} became {version}"
        if self.status and self.previous_status and self.status != self.previous_status:
            return f"it went from {self.previous_status} to {self.status}"
        if self.name and self.previous_name and self.name != self.previous_name:
            return f"“{self.previous_name}” was renamed to “{self.name}”"
        return "it was edited"


def since_change(change: WorkflowChange, first_failure_at: datetime | None) -> str:
    """Gives "first failure 14 min after v23 became v24"; empty where one of the two is not known.

    The first state anybody knew of is no change, and says nothing.
    """
    known_before = change.previous_version is not None or change.previous_status
    if change.changed_at is None or first_failure_at is None or not known_before:
        return ""
    return f"first failure {span(first_failure_at - change.changed_at)} after {change}"


def span(time: timedelta) -> str:
    """Gives how long a time is, as people say it."""
    if time < FEW_MINUTES:
        return f"{max(round(time.total_seconds() / SECONDS_A_MINUTE), 0)} min"
    if time < FEW_HOURS:
        return f"{round(time / timedelta(hours=1))} h"
    return f"{time.days} days"
