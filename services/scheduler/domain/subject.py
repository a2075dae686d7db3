"""The workflows of a location that a scan could look at, and which of them it does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.scheduler.domain.evidence import ACTIVE_WITHIN, VersionChange, WorkflowStatus
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.domain.upload import KeptDefinition
from services.scheduler.domain.workflow import (
    ChangeKind,
    KnownWorkflow,
    WorkflowChange,
    status_of,
)

FOLLOWED = timedelta(days=30)
"""How long a change of version may lie before failures that are laid to it."""


@dataclass(frozen=True, slots=True)
class SeenWorkflow:
    """A workflow that ingestion has seen."""

    workflow_id: str
    name: str
    last_execution_at: datetime | None

    def ran_lately(self, at: datetime) -> bool:
        """Says whether it ran in the 30 days before."""
        last = self.last_execution_at
        return last is not None and at - last < ACTIVE_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One workflow, from wherever it is known.

    `listed` says whether HighLevel's list has it now; `None` when the list was not read.
    """

    workflow_id: str
    seen: SeenWorkflow | None = None
    known: KnownWorkflow | None = None
    upload: KeptDefinition | None = None
    listed: bool | None = None
    selected: bool = False

    @property
    def name(self) -> str:
        """Gives what people call it, as HighLevel's list has it where it does."""
        names = (
            self.known.listed.name if self.known else "",
            self.seen.name if self.seen else "",
            self.upload.name if self.upload else "",
        )
        return next(filter(None, names), "")

    @property
    def status(self) -> WorkflowStatus | None:
        """Gives its status in HighLevel's list; `None` when the list was not read."""
        return status_of(self.known.listed.status) if self.known and self.listed else None

    @property
    def gone(self) -> bool:
        """Whether the list, read now, lacks what the last completed scan saw in it."""
        return self.listed is False and self._before is not None

    @property
    def draft(self) -> bool:
        """Whether it is known to take in nobody."""
        return self._told is WorkflowStatus.DRAFT

    def active(self, at: datetime) -> bool:
        """Says whether it is published; where nobody knows, whether it ran in the last 30 days.

        One that was published at the last completed scan counts as well: that it is
        not any more has to be told.
        """
        if self._before is WorkflowStatus.PUBLISHED and self.listed is not None:
            return True
        if self.listed is False:
            return False
        if self._told is not None:
            return self._told is WorkflowStatus.PUBLISHED
        return self.seen is not None and self.seen.ran_lately(at)

    @property
    def _before(self) -> WorkflowStatus | None:
        return self.known.previous.status if self.known and self.known.previous else None

    @property
    def _told(self) -> WorkflowStatus | None:
        """Gives the status as the newest word of it is: the list's, also an old one, or an upload's."""
        if self.known and self.known.there:
            return status_of(self.known.listed.status)
        return status_of(self.upload.status) if self.upload else None


def subjects(
    seen: Iterable[SeenWorkflow],
    known: Mapping[str, KnownWorkflow],
    uploads: Mapping[str, KeptDefinition],
    *,
    list_read: bool,
    selected: Sequence[str] = (),
) -> dict[str, Subject]:
    """Gives the workflows of a location by id; what the list lost long ago and nobody saw is left out."""
    seen_by_id = {each.workflow_id: each for each in seen}
    wanted = frozenset(selected)
    ids = {*seen_by_id, *uploads, *known, *(wanted if list_read else ())}
    found = {
        id_: Subject(
            workflow_id=id_,
            seen=seen_by_id.get(id_),
            known=known.get(id_),
            upload=uploads.get(id_),
            listed=_is_there(known.get(id_)) if list_read else None,
            selected=id_ in wanted,
        )
        for id_ in sorted(ids)
    }
    return {id_: each for id_, each in found.items() if not _long_gone(each)}


def in_scope(
    found: Mapping[str, Subject], scope: ScanScope, selected: Sequence[str], at: datetime
) -> tuple[list[Subject], list[str]]:
    """Gives the workflows that a scan looks at, and the selected ones that nobody has ever seen."""
    if scope is ScanScope.SELECTED:
        unknown = [each for each in selected if each not in found]
        return [found[each] for each in selected if each in found], unknown
    if scope is ScanScope.ALL:
        return list(found.values()), []
    return [each for each in found.values() if each.active(at)], []


def version_changes(changes: Iterable[WorkflowChange]) -> tuple[VersionChange, ...]:
    """Gives the changes of version among the changes of a workflow, in their order."""
    return tuple(
        VersionChange(each.changed_at, each.version)
        for each in changes
        if each.kind is ChangeKind.CHANGED and each.version != each.previous_version
    )


def _is_there(known: KnownWorkflow | None) -> bool:
    return known is not None and known.there


def _long_gone(subject: Subject) -> bool:
    known = subject.known
    elsewhere = subject.seen or subject.upload or subject.selected
    return known is not None and not known.there and not elsewhere and not subject.gone
