"""How findings stand to what earlier scans knew, and what changed between two scans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.scheduler.domain.finding import Finding, FindingState, Severity, worst_first
from services.scheduler.domain.result import WorkflowResult


class Standing(StrEnum):
    """How a finding stood when a scan last looked for it."""

    OPEN = "open"
    DRAFT = "draft"
    """Open in a draft, of which nobody was told."""
    FIXED = "fixed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """A finding that an earlier scan of the location found."""

    fingerprint: str
    workflow_id: str
    workflow_name: str
    rule_id: str
    title: str
    severity: Severity
    standing: Standing
    first_seen_at: datetime
    last_finding_id: str = ""
    """What the scan that last found it calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The findings of a scan, worst first, by how they stand to the scans before.

    What a scan did not look for again (its workflow is out of scope or gone, its rule lacked its
    input) is in none of them.
    """

    new: tuple[Finding, ...] = ()
    regressed: tuple[Finding, ...] = ()
    """Fixed once, and back."""
    known: tuple[Finding, ...] = ()
    ignored: tuple[Finding, ...] = ()
    fixed: tuple[KnownFinding, ...] = ()
    surfaced: tuple[Finding, ...] = ()
    """Those of the known ones whose workflow was a draft before and takes in contacts now."""
    in_drafts: frozenset[str] = frozenset()
    """The fingerprints of those that only a draft has, of which nobody is told."""

    @property
    def risen(self) -> tuple[Finding, ...]:
        """Those the scan before did not have."""
        return self.new + self.regressed

    def states(self) -> Mapping[str, FindingState]:
        """Gives the state of each finding, by fingerprint."""
        groups = {
            FindingState.NEW: self.new,
            FindingState.REGRESSED: self.regressed,
            FindingState.OPEN: self.known,
            FindingState.IGNORED: self.ignored,
        }
        return {each.fingerprint: state for state, group in groups.items() for each in group}


def compare(results: Iterable[WorkflowResult], known: Mapping[str, KnownFinding]) -> Comparison:
    """Compares what a scan says with what is known of the location, by fingerprint.

    A finding whose ignoring has ended is new: nobody is known to live with it any more.
    """
    looked = list(results)
    found = worst_first(finding for result in looked for finding in result.findings)
    ignored = worst_first(finding for result in looked for finding in result.ignored)
    by_state: dict[FindingState, list[Finding]] = {state: [] for state in FindingState}
    for finding in found:
        by_state[_state(known.get(finding.fingerprint))].append(finding)
    marks = {finding.fingerprint for finding in [*found, *ignored]}
    quiet = {
        each.fingerprint
        for result in looked
        if result.draft
        for each in result.findings
        if not each.about_draft
    }
    told = {mark for mark, each in known.items() if each.standing is not Standing.DRAFT}
    return Comparison(
        new=tuple(by_state[FindingState.NEW]),
        regressed=tuple(by_state[FindingState.REGRESSED]),
        known=tuple(by_state[FindingState.OPEN]),
        ignored=tuple(ignored),
        fixed=tuple(_fixed(looked, [known[mark] for mark in sorted(known.keys() - marks)])),
        surfaced=tuple(
            each
            for each in by_state[FindingState.OPEN]
            if each.fingerprint not in quiet and each.fingerprint not in told
        ),
        in_drafts=frozenset(quiet),
    )


def _state(before: KnownFinding | None) -> FindingState:
    if before is None or before.standing is Standing.IGNORED:
        return FindingState.NEW
    fixed = before.standing is Standing.FIXED
    return FindingState.REGRESSED if fixed else FindingState.OPEN


def _fixed(
    results: Iterable[WorkflowResult], missed: Iterable[KnownFinding]
) -> Iterable[KnownFinding]:
    # What could not be looked at again is not known to be fixed.
    assessed = {result.workflow_id: result.assessed_rule_ids for result in results}
    for each in missed:
        looked_again = each.rule_id in assessed.get(each.workflow_id, ())
        if each.standing in (Standing.OPEN, Standing.DRAFT) and looked_again:
            yield each
