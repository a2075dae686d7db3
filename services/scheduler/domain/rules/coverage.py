"""The coverage entries: what a scan could not see of a workflow, without any points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence
from services.scheduler.domain.rules.rule import Gap

TITLES = {
    Gap.DEFINITION: "Definition not readable",
    Gap.RUNS: "No runs received yet",
    Gap.SHAPE: "Definition has parts of unknown shape",
    Gap.REFERENCES: "Reference list not readable",
    Gap.CUT_SHORT: "Scan partly done",
    Gap.RULE_FAILED: "Rule failed",
}


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """Something a scan could not see of a workflow, and the rules that could not judge for it."""

    id: Gap
    title: str
    detail: str
    rule_ids: tuple[str, ...] = ()


class Unjudged(Protocol):
    """A rule that could not judge."""

    @property
    def rule_id(self) -> str: ...
    @property
    def lacks(self) -> str: ...
    @property
    def gap(self) -> Gap | None: ...


def coverage_of(
    workflow: WorkflowEvidence, location: LocationEvidence, unjudged: Sequence[Unjudged]
) -> tuple[CoverageEntry, ...]:
    """Gives the entries of a workflow in the order of their ids, each at most once."""
    told = dict(_told(workflow, location))
    for gap in Gap:
        lacks = dict.fromkeys(each.lacks for each in unjudged if each.gap is gap)
        if lacks:
            told.setdefault(gap, "; ".join(lacks))
    return tuple(
        CoverageEntry(
            gap,
            TITLES[gap],
            told[gap],
            tuple(each.rule_id for each in unjudged if each.gap is gap),
        )
        for gap in sorted(told)
    )


def _told(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[tuple[Gap, str]]:
    """Gives what the evidence itself says of its gaps."""
    if workflow.parsed is None:
        unread = "its shape is unknown" if workflow.reading else "none was read or uploaded"
        yield Gap.DEFINITION, workflow.definition_refusal or unread
    if workflow.history is not None and workflow.history.last_execution_at is None:
        yield Gap.RUNS, "none since it is known"
    if unknown := _not_understood(workflow):
        yield Gap.SHAPE, unknown
    if location.cut_short:
        yield Gap.CUT_SHORT, location.cut_short


def _not_understood(workflow: WorkflowEvidence) -> str:
    reading = workflow.reading
    if reading is None:
        return ""
    parts = (
        ("step types", reading.unknown_step_types),
        ("trigger types", reading.unknown_trigger_types),
        ("shape", reading.oddities),
    )
    return "; ".join(f"{part}: {', '.join(unknown)}" for part, unknown in parts if unknown)
