"""What HighLevel's list says of workflows, and what became different since it was last read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.scheduler.domain.evidence import WorkflowSnapshot, WorkflowStatus

STATUSES = {
    "published": WorkflowStatus.PUBLISHED,
    "active": WorkflowStatus.PUBLISHED,
    "draft": WorkflowStatus.DRAFT,
}


def status_of(word: str) -> WorkflowStatus | None:
    """Gives the status that HighLevel's word stands for; None for a word nobody knows."""
    return STATUSES.get(word.strip().lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWorkflow:
    """A workflow as HighLevel's list shows it; `status` is HighLevel's word."""

    workflow_id: str
    name: str
    status: str
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWorkflow:
    """A workflow as the list last showed it."""

    listed: ListedWorkflow
    first_seen_at: datetime
    last_seen_at: datetime
    vanished_at: datetime | None = None
    """Since when the list has it no more."""
    previous: WorkflowSnapshot | None = None
    """How the last completed scan that read the list saw it."""

    @property
    def there(self) -> bool:
        """Whether the list had it when it was last read."""
        return self.vanished_at is None


class ChangeKind(StrEnum):
    """What happened to a workflow."""

    APPEARED = "appeared"
    CHANGED = "changed"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowChange:
    """From one state of a workflow to the next; what was not known before is empty."""

    workflow_id: str
    kind: ChangeKind
    changed_at: datetime
    name: str
    status: str
    version: int | None
    previous_name: str = ""
    previous_status: str = ""
    previous_version: int | None = None


def changes(
    known: Mapping[str, KnownWorkflow],
    listed: Sequence[ListedWorkflow],
    at: datetime,
    *,
    whole: bool,
) -> Iterator[WorkflowChange]:
    """Gives what the list, read now, says differently; nothing when it is read for the first time.

    Of a list that is not `whole` nobody concludes that something vanished.
    """
    if not known:
        return
    for each in listed:
        before = known.get(each.workflow_id)
        if before is None or not before.there:
            yield _to(each, ChangeKind.APPEARED, at)
        elif _state(before.listed) != _state(each):
            yield _to(each, ChangeKind.CHANGED, _moment(each, before, at), before.listed)
    there = {each.workflow_id for each in listed}
    for each_known in known.values() if whole else ():
        if each_known.there and each_known.listed.workflow_id not in there:
            yield _to(each_known.listed, ChangeKind.VANISHED, at, each_known.listed)


def edited(
    before: ListedWorkflow | None, now: ListedWorkflow, at: datetime
) -> WorkflowChange | None:
    """Gives the change from one upload of a workflow to the next, `at` the latest; None for none."""
    if before is None or _state(before) == _state(now):
        return None
    told = now.updated_at
    return _to(now, ChangeKind.CHANGED, told if told is not None and told < at else at, before)


def _state(workflow: ListedWorkflow) -> tuple[str, str, int | None]:
    return workflow.name, workflow.status, workflow.version


def _moment(listed: ListedWorkflow, before: KnownWorkflow, at: datetime) -> datetime:
    """Gives when it was changed, as far as that lies between the two looks at the list."""
    told = listed.updated_at
    return told if told is not None and before.last_seen_at < told <= at else at


def _to(
    workflow: ListedWorkflow,
    kind: ChangeKind,
    at: datetime,
    before: ListedWorkflow | None = None,
) -> WorkflowChange:
    return WorkflowChange(
        workflow_id=workflow.workflow_id,
        kind=kind,
        changed_at=at,
        name=workflow.name,
        status=workflow.status,
        version=workflow.version,
        previous_name=before.name if before else "",
        previous_status=before.status if before else "",
        previous_version=before.version if before else None,
    )
