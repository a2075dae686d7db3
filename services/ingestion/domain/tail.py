"""Executions as they arrive: who wants which, and from where on."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from libs import problems
from services.ingestion.domain.execution import Execution, Status

LARGEST_CURSOR = 2**63 - 1


class CursorMalformed(problems.InvalidRequest):
    """Send the cursor that came with the last execution, or none."""

    reason = "CURSOR_MALFORMED"


class WatcherTooSlow(problems.TooMany):
    """More arrived than was read; go on from the last cursor."""

    reason = "WATCHER_TOO_SLOW"


class Stopping(problems.Unavailable):
    """The replica stops; go on from the last cursor at another one."""

    reason = "STOPPING"


class Arrival(NamedTuple):
    """A batch that was recorded."""

    arrival_id: int
    arrived_at: datetime
    moments: list[datetime]
    """When its runs ended: with the time of arrival that finds them in the log."""


class Arrived(NamedTuple):
    """An execution, and the batch it came with."""

    arrival_id: int
    execution: Execution

    @property
    def cursor(self) -> str:
        return str(self.arrival_id)


@dataclass(frozen=True, slots=True)
class Interest:
    """Which executions somebody watches."""

    location_id: str
    workflow_id: str = ""
    statuses: frozenset[Status] = frozenset()

    def covers(self, execution: Execution) -> bool:
        """Says whether an execution is one of them."""
        return (
            execution.location_id == self.location_id
            and self.workflow_id in ("", execution.workflow_id)
            and (not self.statuses or execution.status in self.statuses)
        )


def place_of(cursor: str) -> int | None:
    """Reads a cursor; None means from now on."""
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdecimal()) or int(cursor[:20]) > LARGEST_CURSOR:
        raise CursorMalformed.at("cursor")
    return int(cursor[:20])
