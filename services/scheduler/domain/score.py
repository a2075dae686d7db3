"""How healthy a workflow is, and the arithmetic that says so.

Points are counted in hundredths, exactly, so that the lines of a score add up
to what it lacks, for people with a pencil too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from services.scheduler.domain.finding import Finding, Severity, points

FULL = 100
FEWEST_RUNS = 5
MOST_OF = {Severity.WARNING: 40, Severity.INFO: 10}
LABELS = {Severity.WARNING: "warnings capped at 40", Severity.INFO: "infos capped at 10"}


class Grade(StrEnum):
    """What a score means, for people."""

    GOOD = "good"
    FAIR = "fair"
    NEEDS_ATTENTION = "needs_attention"
    HIGH_RISK = "high_risk"
    CRITICAL = "critical"
    NOT_ASSESSED = "not_assessed"


LOWEST_OF = {
    Grade.GOOD: 90,
    Grade.FAIR: 75,
    Grade.NEEDS_ATTENTION: 50,
    Grade.HIGH_RISK: 25,
    Grade.CRITICAL: 0,
}
"""The lowest score of each grade."""


def grade_of(score: int | None) -> Grade:
    """Gives the grade of a score."""
    if score is None:
        return Grade.NOT_ASSESSED
    return next(grade for grade, lowest in LOWEST_OF.items() if score >= lowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The evidence a score rests on: fresh runs, and whether the definition was read."""

    runs: int = 0
    definition: bool = False


@dataclass(frozen=True, slots=True)
class Deduction:
    """One line of the arithmetic; negative where a cap or the floor gives points back."""

    label: str
    rule_id: str
    points: float


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, and the lines that add up to what it lacks; `None` when not assessed."""

    value: int | None
    deductions: tuple[Deduction, ...] = ()
    ceiling: int | None = None
    """The most it could be on this evidence."""
    ceiling_reason: str = ""
    """Why that is less than 100; empty when it is not."""


def score_of(findings: Iterable[Finding], basis: Basis) -> Score:
    """Gives the health score of one workflow from its findings."""
    ceiling = _ceiling(basis)
    if ceiling is None:
        return Score(None)
    groups = _groups(findings)
    lines = sorted((_line(group) for group in groups), key=_worst_first)
    lines += [line for severity in MOST_OF for line in _given_back(severity, groups)]
    left = FULL - sum((line.points for line in lines), Decimal(0))
    value = max(0, round(left))
    lines += _made_whole(left, value)
    most, label = ceiling
    if value > most:
        lines.append(_Line(label, points=Decimal(value - most)))
    return Score(min(value, most), tuple(line.shown() for line in lines), most, label)


def gains(findings: Iterable[Finding], basis: Basis) -> Mapping[str, int]:
    """Gives, by fingerprint, by how much the score rises when that finding alone is fixed."""
    found = list(findings)
    now = score_of(found, basis).value
    if now is None:
        return {}
    # Findings of one weight gain alike, and a sick workflow can have hundreds of them.
    alike = {_weight(finding): finding for finding in found}
    gained = {
        weight: (score_of(_without(finding, found), basis).value or 0) - now
        for weight, finding in alike.items()
    }
    return {finding.fingerprint: gained[_weight(finding)] for finding in found}


@dataclass(frozen=True, slots=True)
class _Line:
    label: str
    rule_id: str = ""
    points: Decimal = Decimal(0)

    def shown(self) -> Deduction:
        return Deduction(self.label, self.rule_id, float(self.points))


def _ceiling(basis: Basis) -> tuple[int, str] | None:
    if basis.runs >= FEWEST_RUNS:
        return (FULL, "") if basis.definition else (90, "at most 90 without a definition")
    return (95, f"at most 95 with fewer than {FEWEST_RUNS} runs") if basis.definition else None


def _groups(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Gives the findings of each rule together: places of one fault weigh less than two faults."""

    def fault(finding: Finding) -> tuple[str, str]:
        return finding.rule_id, finding.counts_as

    return [list(group) for _, group in groupby(sorted(findings, key=fault), key=fault)]


def _line(group: Sequence[Finding]) -> _Line:
    first = group[0]
    base_penalty = max(finding.base_penalty for finding in group)
    occurrences = sum(finding.occurrences for finding in group)
    return _Line(first.title, first.rule_id, points(base_penalty, occurrences))


def _worst_first(line: _Line) -> tuple[Decimal, str]:
    return -line.points, line.rule_id


def _given_back(severity: Severity, groups: Iterable[Sequence[Finding]]) -> list[_Line]:
    taken = sum(
        (_line(group).points for group in groups if group[0].counts_as is severity), Decimal(0)
    )
    over = taken - MOST_OF[severity]
    return [_Line(LABELS[severity], points=-over)] if over > 0 else []


def _made_whole(left: Decimal, value: int) -> list[_Line]:
    if left == value:
        return []
    label = "floor at 0" if left < 0 else "rounded to a whole number"
    return [_Line(label, points=left - value)]


def _weight(finding: Finding) -> tuple[str, Severity, float, int]:
    return finding.rule_id, finding.counts_as, finding.base_penalty, finding.occurrences


def _without(finding: Finding, findings: Sequence[Finding]) -> list[Finding]:
    return [each for each in findings if each is not finding]
