"""What became different about a workflow in GoHighLevel, and when."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowState:
    """A workflow as GoHighLevel shows it; what is not known is empty."""

    workflow_id: str
    name: str = ""
    status: str = ""
    version: int | None = None
    changed_at: datetime | None = None
    """Since when it is so; None when only known to be so now."""

    def told_at(self, now: datetime) -> "WorkflowState":
        """Gives the same without a time that is ahead of our clock."""
        ahead = self.changed_at is not None and self.changed_at > now
        return replace(self, changed_at=None) if ahead else self


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """From one state to the next; what is not known of the one before is empty."""

    changed_at: datetime
    name: str = ""
    status: str = ""
    version: int | None = None
    previous_name: str = ""
    previous_status: str = ""
    previous_version: int | None = None


def change(
    told: WorkflowState, known: WorkflowChange | None, *, now: datetime
) -> WorkflowChange | None:
    """Gives what a told state changes about the newest one that is known; None when nothing.

    An edit that leaves name, status and version alone is a change too: GoHighLevel
    tells only when it was. What is told without its time is news when it differs.
    """
    if known is None:
        return WorkflowChange(
            changed_at=told.changed_at or now,
            name=told.name,
            status=told.status,
            version=told.version,
        )
    found = WorkflowChange(
        changed_at=told.changed_at or now,
        name=told.name or known.name,
        status=told.status or known.status,
        version=known.version if told.version is None else told.version,
        previous_name=known.name,
        previous_status=known.status,
        previous_version=known.version,
    )
    differs = (found.name, found.status, found.version) != (known.name, known.status, known.version)
    is_newer = told.changed_at is not None and found.changed_at > known.changed_at
    return found if is_newer or (differs and found.changed_at >= known.changed_at) else None
