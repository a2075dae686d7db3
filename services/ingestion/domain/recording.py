"""What becomes of one item of a batch."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from libs import problems
from services.ingestion.domain.execution import Report
from services.ingestion.domain.open_run import Start
from services.ingestion.domain.quarantine import UnreadDelivery


class Outcome(StrEnum):
    """What became of an item."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an item was refused, and what to do about it."""

    reason: str
    field: str
    message: str

    @classmethod
    def of(cls, problem: problems.Problem) -> "Rejection":
        field = problem.fields[0].field if problem.fields else ""
        return cls(problem.reason, field, problem.message)

    def problem(self) -> problems.InvalidRequest:
        """Gives the problem that says the same of a whole call."""
        problem = problems.InvalidRequest.at(self.field, self.message)
        problem.reason = self.reason
        return problem


Item = Report | Start | UnreadDelivery | Rejection
"""A run to record or to open, a delivery for the quarantine, or what the wire carried instead."""


class Result(Struct, frozen=True):
    """What became of one item, and the id it can be found under."""

    outcome: Outcome
    kept_id: str = ""
    rejection: Rejection | None = None
