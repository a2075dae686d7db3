"""Reads requests about findings and rules, and writes their answers."""

from collections.abc import Iterable, Sequence

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import datetime_from, timestamp
from services.scheduler.domain.finding import FindingState
from services.scheduler.domain.ignoring import Ignore, IgnoreReasonMissing, Ignoring
from services.scheduler.domain.rules import Rule
from services.scheduler.domain.rules.coverage import TITLES
from services.scheduler.domain.rules.page import fires_when
from services.scheduler.store.differences import Difference
from services.scheduler.store.findings import FindingFilter, SeenFinding
from services.scheduler.store.tables import ScanResultRow
from services.scheduler.translate import refusals
from services.scheduler.translate.requests import (
    LONGEST_ID,
    actor_from,
    chosen,
    severity_from,
    text,
)
from services.scheduler.translate.responses import SEVERITY_NUMBERS, scan_to

LONGEST_REASON = 1_000
MOST_OF_A_KIND = 500

STATES = {
    pb.FINDING_STATE_NEW: FindingState.NEW,
    pb.FINDING_STATE_OPEN: FindingState.OPEN,
    pb.FINDING_STATE_REGRESSED: FindingState.REGRESSED,
    pb.FINDING_STATE_FIXED: FindingState.FIXED,
    pb.FINDING_STATE_IGNORED: FindingState.IGNORED,
}
STATE_NUMBERS = {value: number for number, value in STATES.items()}


def filter_from(request: pb.ListFindingsRequest) -> FindingFilter:
    """Reads which findings are wanted."""
    return FindingFilter(
        state=chosen(STATES, request.state, "state", refusals.FindingStateUnknown),
        severity=severity_from(request),
        rule_id=text(request.rule_id, "rule_id", LONGEST_ID),
        workflow_id=text(request.workflow_id, "workflow_id", LONGEST_ID),
    )


def finding_from(
    request: pb.GetFindingRequest | pb.IgnoreFindingRequest | pb.UnignoreFindingRequest,
) -> str:
    """Reads which finding it is about."""
    if not request.finding_id:
        raise refusals.FindingMissing.at("finding_id")
    return text(request.finding_id, "finding_id", LONGEST_ID)


def baseline_from(request: pb.CompareScansRequest) -> str:
    """Reads which earlier scan is meant; empty means the last one of the same scope."""
    return text(request.baseline_scan_id, "baseline_scan_id", LONGEST_ID)


def ignoring_from(request: pb.IgnoreFindingRequest) -> Ignoring:
    """Reads why a finding is ignored, by whom and until when."""
    if not request.reason.strip():
        raise IgnoreReasonMissing.at("reason")
    if not request.actor:
        raise refusals.ActorMissing.at("actor")
    return Ignoring(
        reason=text(request.reason, "reason", LONGEST_REASON),
        actor=actor_from(request),
        until=datetime_from(request.until, "until") if request.HasField("until") else None,
        until_version_changes=request.until_version_changes,
    )


def finding_to(seen: SeenFinding) -> pb.Finding:
    """Writes a finding."""
    row = seen.row
    counts = seen.state not in (FindingState.FIXED, FindingState.IGNORED)
    return pb.Finding(
        finding_id=row.id,
        scan_id=row.scan_id,
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        rule_id=row.rule_id,
        title=row.title,
        severity=SEVERITY_NUMBERS[row.severity],
        penalty=row.penalty,
        occurrences=row.occurrences,
        evidence=row.evidence,
        remedy=row.remedy,
        fingerprint=row.fingerprint,
        state=STATE_NUMBERS[seen.state],
        first_seen_at=timestamp(row.first_seen_at),
        execution_ids=row.execution_ids,
        place_id=row.place_id,
        place_name=row.place_name,
        points_if_fixed=row.points_if_fixed if counts else None,
        ignored=_ignored_to(seen.ignored) if seen.ignored else None,
    )


def difference_to(difference: Difference) -> pb.CompareScansResponse:
    """Writes what changed between two scans."""
    kinds = {
        "new": difference.new,
        "fixed": difference.fixed,
        "still_open": difference.still_open,
        "regressed": difference.regressed,
        "ignored": difference.ignored,
        "not_checked": difference.not_checked,
    }
    return pb.CompareScansResponse(
        scan=scan_to(difference.scan),
        baseline=scan_to(difference.baseline) if difference.baseline else None,
        counts=pb.CompareScansResponse.Counts(
            **{kind: len(found) for kind, found in kinds.items()}
        ),
        score_changes=[
            _change_to(before, after) for before, after in difference.score_changes[:MOST_OF_A_KIND]
        ],
        appeared=_scores_to(difference.appeared),
        vanished=_scores_to(difference.vanished),
        **{kind: _findings_to(found) for kind, found in kinds.items()},
    )


def rules_to(rules: Iterable[Rule]) -> pb.ListRulesResponse:
    """Writes the catalogue of rules."""
    return pb.ListRulesResponse(
        rules=[_rule_to(each) for each in rules],
        coverage=[pb.CoverageKind(id=gap, title=title) for gap, title in TITLES.items()],
    )


def _rule_to(rule: Rule) -> pb.Rule:
    return pb.Rule(
        rule_id=rule.id,
        title=rule.name,
        severity=SEVERITY_NUMBERS[rule.severity],
        penalty=rule.penalty,
        fires_when=fires_when(rule),
        basis=rule.basis,
        remedy=rule.remedy,
        needs=sorted(rule.needs),
        consults=sorted(rule.consults),
    )


def _ignored_to(ignore: Ignore) -> pb.IgnoredFinding:
    return pb.IgnoredFinding(
        reason=ignore.reason,
        ignored_by=ignore.ignored_by,
        ignored_at=timestamp(ignore.ignored_at),
        until=timestamp(ignore.until),
        workflow_version=ignore.workflow_version,
    )


def _findings_to(found: Sequence[SeenFinding]) -> list[pb.Finding]:
    return [finding_to(each) for each in found[:MOST_OF_A_KIND]]


def _scores_to(rows: Sequence[ScanResultRow]) -> list[pb.WorkflowScore]:
    return [
        pb.WorkflowScore(
            workflow_id=row.workflow_id, workflow_name=row.workflow_name, score=row.score
        )
        for row in rows[:MOST_OF_A_KIND]
    ]


def _change_to(before: ScanResultRow, after: ScanResultRow) -> pb.ScoreChange:
    return pb.ScoreChange(
        workflow_id=after.workflow_id,
        workflow_name=after.workflow_name,
        before=before.score,
        after=after.score,
    )
