"""What settings are for: the installation, a location, or one workflow of it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Where a value of the settings comes from, the farthest first."""

    BUILT_IN = "built_in"
    INSTALLATION = "installation"
    LOCATION = "location"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """A location, or one workflow of it; without either the whole installation."""

    location_id: str = ""
    workflow_id: str = ""

    @property
    def level(self) -> Level:
        if self.workflow_id:
            return Level.WORKFLOW
        return Level.LOCATION if self.location_id else Level.INSTALLATION

    @property
    def path(self) -> tuple["Scope", ...]:
        """The levels that decide here, each after the one above it; also the order to lock them."""
        return tuple(sorted({INSTALLATION, Scope(self.location_id), self}))


INSTALLATION = Scope()
