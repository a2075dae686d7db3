"""What a definition says, in one shape whatever the export was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.scheduler.domain.definition.graph import NO_STEPS, Graph

NO_ATTRIBUTES: Mapping[str, object] = {}


class NodeType(StrEnum):
    """What a step of an If/Else is: the question, or one of its answers."""

    CONDITION = "condition-node"
    YES = "branch-yes"
    NO = "branch-no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; `attributes` is `None` where it was not found, which is not the same as empty.

    `leads_to` are the ids the step names as next, `declared` those of its branches and
    transitions. `readable_links` is false when something stood there that is no id.
    """

    id: str
    type: str
    name: str = ""
    attributes: Mapping[str, object] | None = field(default=None, hash=False)
    node_type: str = ""
    parent: str = ""
    leads_to: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    readable_links: bool = True

    @property
    def settings(self) -> Mapping[str, object]:
        """The attributes, empty where there are none."""
        return NO_ATTRIBUTES if self.attributes is None else self.attributes

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.type or self.id


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter of a trigger; `readable` is false when its value is of a shape we do not know."""

    field: str
    operator: str
    values: tuple[str, ...]
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way into a workflow; `active` and `conditions` are `None` where the export lacks them."""

    id: str
    type: str
    name: str = ""
    active: bool | None = None
    conditions: tuple[Condition, ...] | None = None
    timing: str = ""
    """What its schedule says, flattened; only good for telling whether two are the same."""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.type or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the workflow as a whole; `None` where the export lacks them."""

    allow_multiple: bool | None = None
    stop_on_response: bool | None = None
    pauses_on_dates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A definition as far as it could be read.

    `readable` says whether there was a list of steps at all; `triggers` is `None` when there was
    no list of triggers. What was not understood is in `oddities` and the unknown types, and no
    rule concludes anything from it.
    """

    readable: bool
    workflow_id: str = ""
    name: str = ""
    status: str = ""
    version: int | None = None
    updated_at: datetime | None = None
    """Since when it is as it is, where the export tells."""
    settings: Settings = field(default_factory=Settings)
    steps: tuple[Step, ...] = ()
    triggers: tuple[Trigger, ...] | None = None
    graph: Graph = NO_STEPS
    unknown_step_types: tuple[str, ...] = ()
    unknown_trigger_types: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()

    @property
    def live_triggers(self) -> tuple[Trigger, ...]:
        """The triggers that are not known to be switched off."""
        return tuple(each for each in self.triggers or () if each.active is not False)
