"""History out of a file: what makes a line the same as one that was imported before."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from libs import problems
from services.ingestion.domain.execution import (
    LONGEST_FUTURE,
    ExecutedAtOutOfRange,
    Execution,
    Report,
    Source,
    remembered,
)
from services.ingestion.domain.recording import Rejection

MOST_LINES = 200_000
MOST_REJECTIONS = 1000
VERSION_AND_VARIANT = 0xF << 76 | 0b11 << 62
VERSION_7 = 0x7 << 76 | 0b10 << 62


class ExecutedAtMissing(problems.InvalidRequest):
    """Say when the run ended; history without a time is none."""

    reason = "EXECUTED_AT_MISSING"


class LocationDiffers(problems.InvalidRequest):
    """The line belongs to another location than the import; import it there."""

    reason = "LOCATION_DIFFERS"


class TooManyLines(problems.InvalidRequest):
    """At most 200,000 lines go into one import; split the file and send all: nothing is added twice."""

    reason = "TOO_MANY_LINES"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, or why it cannot be recorded."""

    number: int
    content: Report | Rejection
    exported_id: str = ""
    """The id it was exported with; empty when it was not, or by somebody else."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Some lines of a file, all of one location."""

    location_id: str
    lines: Sequence[Line]


@dataclass(slots=True)
class Imported:
    """What became of a file."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)

    @property
    def lines(self) -> int:
        return self.accepted + self.duplicates + self.rejected

    def reject(self, number: int, rejection: Rejection) -> None:
        """Notes a line that was refused."""
        self.rejected += 1
        if len(self.rejections) < MOST_REJECTIONS:
            self.rejections.append((number, rejection))


class Naming:
    """Gives every line of one file the same id at each import.

    Two equal lines are two executions, as two equal webhooks are; so it counts
    how often a line has come.
    """

    def __init__(self) -> None:
        self._seen = Counter[bytes]()

    def execution_of(self, line: Line, report: Report, now: datetime, keep: timedelta) -> Execution:
        """Gives the execution to keep; raises what is wrong with the line."""
        if report.executed_at is None:
            raise ExecutedAtMissing.at("executed_at")
        if report.executed_at > now + LONGEST_FUTURE:
            raise ExecutedAtOutOfRange.at("executed_at", "The time lies in the future.")
        if report.executed_at < now - keep:
            raise ExecutedAtOutOfRange.at("executed_at", "The run is older than what is kept.")
        id_ = self._id(line, report, report.executed_at)
        found = remembered(report, report.executed_at, execution_id=id_, now=now)
        found.source = Source.IMPORT
        return found

    def _id(self, line: Line, report: Report, executed_at: datetime) -> str:
        if line.exported_id:
            return _derived(executed_at, "exported", report.location_id, line.exported_id)
        place = ("run", report.location_id, report.workflow_id)
        if report.run_id:
            return _derived(executed_at, *place, report.run_id)
        said = _digest(
            *place,
            executed_at.isoformat(),
            report.status,
            report.workflow_name,
            report.failed_action_id,
            report.failed_action_name,
            report.error_message,
            str(report.execution_time_ms),
        )[:8]
        self._seen[said] += 1
        return _derived(executed_at, *place, said.hex(), str(self._seen[said]))


def _derived(at: datetime, *said: str) -> str:
    """Gives an id as UUIDv7 has it: first the time, then what would be chance."""
    milliseconds = int(at.timestamp() * 1000) % 2**48
    chance = int.from_bytes(_digest(*said)[:10])
    marked = (chance & ~VERSION_AND_VARIANT) | VERSION_7
    digits = f"{milliseconds << 80 | marked:032x}"
    # `UUID` says the same, and takes longer than the hash.
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _digest(*said: str) -> bytes:
    return hashlib.sha256("\0".join(said).encode()).digest()
