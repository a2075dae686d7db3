"""Something wrong with one workflow, as a rule saw it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

CENT = Decimal("0.01")
MOST_COUNTED = 5


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class FindingState(StrEnum):
    """How a finding of a scan stands to the scans before."""

    NEW = "new"
    OPEN = "open"
    REGRESSED = "regressed"
    """It was fixed once, and is back."""
    FIXED = "fixed"
    """The scan looked again, and it was gone."""
    IGNORED = "ignored"
    """Somebody said to live with it: it neither counts nor alerts."""


def points(base_penalty: float, occurrences: int) -> Decimal:
    """Gives the points that occurrences of one fault take: double at five, and never more."""
    more = min(occurrences, MOST_COUNTED) - 1
    return (Decimal(str(base_penalty)) * (4 + more) / 4).quantize(CENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with one workflow."""

    rule_id: str
    title: str
    workflow_id: str
    workflow_name: str = ""
    place: str = ""
    """The id of the step or trigger; empty when it is about the workflow."""
    place_name: str = ""
    """What people call the step or trigger."""
    severity: Severity
    counts_as: Severity
    """The severity whose cap holds in the score."""
    base_penalty: float
    """The points that a single occurrence takes."""
    occurrences: int = 1
    evidence: str
    remedy: str
    execution_ids: tuple[str, ...] = ()
    about_draft: bool = False
    """Whether it is about a workflow's being a draft, so that people are told of it."""

    @property
    def penalty(self) -> float:
        """The points it takes, before caps, ceiling and floor."""
        return float(points(self.base_penalty, self.occurrences))

    @property
    def fingerprint(self) -> str:
        """The same for the same finding in every scan, whatever its name and numbers."""
        identity = f"{self.rule_id}\x00{self.workflow_id}\x00{self.place}"
        return sha256(identity.encode()).hexdigest()[:32]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Gives the findings by severity, then by the points they take."""
    severities = list(Severity)
    return sorted(
        findings,
        key=lambda each: (
            severities.index(each.severity),
            -each.penalty,
            each.workflow_id,
            each.fingerprint,
        ),
    )
