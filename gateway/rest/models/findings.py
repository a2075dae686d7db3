"""Findings, what changed between scans, and the rules."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.rest.models.scans import Scan, Severity, WorkflowScore
from gateway.rest.models.shapes import Answer, Body, Moment, examples, words
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

FindingStateWord = Literal["new", "open", "regressed", "fixed", "ignored"]


class IgnoreBody(Body):
    """Why a finding is ignored, and until when: whichever comes first, if both are given."""

    model_config = examples(
        {"reason": "The client wants it this way."},
        {"reason": "The form is built next week.", "until": "2126-03-09T09:00:00Z"},
    )

    reason: str
    """Whoever reads it next has to know; 1 to 1,000 characters."""
    until: Annotated[Moment | None, Field(strict=False)] = None
    """Without it and `untilVersionChanges`: for ever."""
    until_version_changes: bool = False
    """Until the workflow has another version."""


class IgnoredFinding(Answer):
    """That a finding is ignored."""

    reason: str
    ignored_by: str
    ignored_at: AwareDatetime
    until: AwareDatetime | None
    """Null when no date ends it."""
    workflow_version: int | None
    """The version of the workflow it is for; null when it holds for every version."""


class Finding(Answer):
    """Something wrong with one workflow."""

    finding_id: str
    scan_id: str
    workflow_id: str
    workflow_name: str | None
    rule_id: str
    title: str
    severity: Severity
    place_id: str | None
    """The step or trigger; null when it is about the workflow as a whole."""
    place_name: str | None
    """What people call the step or trigger."""
    penalty: float
    """The points it takes, before caps, ceiling and floor."""
    points_if_fixed: int | None
    """By how much the score would rise if this alone were fixed; null where it does not count."""
    occurrences: int
    evidence: str | None
    remedy: str | None
    fingerprint: str
    """The same for the same finding in every scan."""
    state: Annotated[str, words(pb.FindingState.DESCRIPTOR)]
    """new; open when scans before had it; regressed when it was fixed once; fixed; ignored."""
    first_seen_at: AwareDatetime | None
    execution_ids: list[str]
    ignored: IgnoredFinding | None
    """Why it is ignored now; null when it is not."""


class FindingStory(Answer):
    """A finding, and what scans said of it."""

    finding: Finding
    sightings: list[Finding]
    """Newest first, at most 50. Scans that did not look for it are left out."""


class DifferenceCounts(Answer):
    """How many findings there are of each kind."""

    new: int
    fixed: int
    still_open: int
    regressed: int
    ignored: int
    not_checked: int


class ScoreChange(Answer):
    """How the score of one workflow changed."""

    workflow_id: str
    workflow_name: str | None
    before: int | None
    """Null when it was not assessed."""
    after: int | None


class ScanDifference(Answer):
    """What changed between two scans; of each list at most the 500 worst."""

    scan: Scan
    baseline: Scan | None
    """The earlier scan; null when there is none."""
    counts: DifferenceCounts
    new: list[Finding]
    fixed: list[Finding]
    still_open: list[Finding]
    regressed: list[Finding]
    """Found again after they had been fixed."""
    ignored: list[Finding]
    not_checked: list[Finding]
    """Findings of the earlier scan for which the later one could not look."""
    score_changes: list[ScoreChange]
    """The greatest fall first."""
    appeared: list[WorkflowScore]
    """Workflows only the later scan has."""
    vanished: list[WorkflowScore]
    """Workflows only the earlier scan has."""


class Rule(Answer):
    """One rule of the catalogue."""

    rule_id: str
    title: str
    severity: Severity
    penalty: float
    """The points one occurrence takes from a published workflow."""
    fires_when: str
    basis: str
    """Why that is a fault."""
    remedy: str
    needs: list[str]
    """The kinds of evidence without which it is not assessed."""
    consults: list[str]
    """The kinds it asks for only where a workflow gives it reason to."""


class CoverageKind(Answer):
    """A kind of thing that a scan could not see."""

    id: str
    title: str


class Catalogue(Answer):
    """All that a scan looks for."""

    rules: list[Rule]
    coverage: list[CoverageKind]
