"""What the agency is made of: locations, and workflows with how they are built and how they run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from demo import exports
from demo.exports import Trigger
from demo.layout import Steps
from demo.lives import Life


def workflow_id(slug: str) -> str:
    """Gives the id of a workflow, in GoHighLevel's form."""
    return str(uuid5(NAMESPACE_URL, f"runwarden-demo/{slug}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow: how it is built, and how it runs."""

    slug: str
    name: str
    triggers: Sequence[Trigger]
    steps: Steps
    life: Life | None = None
    """None for one that has never run."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    changed_days_ago: float = 45
    """When it came to its version."""
    steps_before: Steps | None = None
    """Its steps one version earlier, where the first scan sees others than the second."""

    @property
    def workflow_id(self) -> str:
        """GoHighLevel's id of it."""
        return workflow_id(self.slug)

    @property
    def names(self) -> dict[str, str]:
        """What each of its runs tells of it."""
        return {"workflowId": self.workflow_id, "workflowName": self.name}

    @property
    def was_edited(self) -> bool:
        """Whether there is a version before that is uploaded first."""
        return self.steps_before is not None

    def definition(self, now: datetime, *, before: bool = False) -> dict[str, Any]:
        """Gives its export as it is now, or as it was one version before."""
        earlier = before and self.steps_before is not None
        steps = self.steps_before if earlier and self.steps_before is not None else self.steps
        days = self.changed_days_ago + 30 * earlier
        told = {
            "version": self.version - earlier,
            "updatedAt": (now - timedelta(days=days)).isoformat(),
        }
        settings = told | dict(self.settings)
        return exports.definition(self.workflow_id, self.name, steps, self.triggers, settings)


@dataclass(frozen=True, slots=True)
class Location:
    """A client of the agency."""

    location_id: str
    name: str
    time_zone: str
    workflows: Sequence[Workflow]
