"""Evidence and findings with everything ordinary that a test does not say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.scheduler.domain.comparison import KnownFinding
from services.scheduler.domain.evidence import (
    ErrorClassCount,
    ExecutionStatus,
    LocationEvidence,
    RunCounts,
    RunHistory,
    RunOutcome,
    WorkflowEvidence,
    location_graph,
)
from services.scheduler.domain.finding import Finding, Severity
from services.scheduler.domain.result import WorkflowResult
from services.scheduler.domain.rules import assess
from services.scheduler.domain.score import Score
from tests.scheduler.domain import exports

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LOCATION = LocationEvidence(location_id="loc-1")
HOUR = timedelta(hours=1)
STATUSES = {
    "S": ExecutionStatus.SUCCESS,
    "F": ExecutionStatus.FAILED,
    "P": ExecutionStatus.PARTIAL,
}


def runs(letters, *, every=HOUR, newest_ago=HOUR):
    """Runs from the newest back, by letter: S, F or P."""
    return tuple(
        RunOutcome(STATUSES[letter], NOW - newest_ago - every * position, f"ex-{position}")
        for position, letter in enumerate(letters)
    )


def counts(succeeded=0, failed=0, partial=0):
    return RunCounts(succeeded + failed + partial, succeeded, failed, partial)


def counted(outcomes, within):
    """The counts that belong to runs."""
    statuses = [each.status for each in outcomes if NOW - each.executed_at < within]
    return counts(*(statuses.count(status) for status in STATUSES.values()))


def ran(letters, *, every=HOUR, newest_ago=HOUR, **more):
    """A workflow with these runs, from the newest back, and what follows from them."""
    outcomes = runs(letters, every=every, newest_ago=newest_ago)
    history = RunHistory(
        workflow_id="wf-1",
        as_of=NOW,
        recent_runs=outcomes[:20],
        last_7_days=counted(outcomes, timedelta(days=7)),
        last_24_hours=counted(outcomes, timedelta(days=1)),
        last_execution_at=outcomes[0].executed_at if outcomes else None,
        busy_period_runs=sum(
            outcomes[0].executed_at - each.executed_at < timedelta(days=14) for each in outcomes
        ),
        median_gap=every if len(outcomes) > 1 else None,
    )
    return a_workflow(replace(history, **more))


def a_workflow(history=None, **more):
    return WorkflowEvidence(
        workflow_id="wf-1", workflow_name="Lead follow-up", history=history, **more
    )


def errors(error_class, count, message="", execution_ids=()):
    return ErrorClassCount(error_class, count, message, execution_ids)


def found(workflow, rule_id):
    """What one rule says of a workflow; it must have been able to look."""
    assessment = assess(workflow, LOCATION)
    assert rule_id in assessment.assessed_rule_ids
    return [finding for finding in assessment.findings if finding.rule_id == rule_id]


def lacking(workflow, rule_id):
    """What one rule lacks to judge a workflow."""
    return next(
        each.lacks for each in assess(workflow, LOCATION).not_assessed if each.rule_id == rule_id
    )


def a_finding(rule_id="GHL402", **more):
    return Finding(
        **{
            "rule_id": rule_id,
            "title": f"Title of {rule_id}",
            "workflow_id": "wf-1",
            "workflow_name": "Lead follow-up",
            "severity": Severity.CRITICAL,
            "counts_as": more.get("severity", Severity.CRITICAL),
            "base_penalty": 35,
            "evidence": "It was seen.",
            "remedy": "Repair it.",
        }
        | more
    )


def known_as(standing, *findings):
    """What a location knows of findings, by fingerprint."""
    return {
        each.fingerprint: KnownFinding(
            fingerprint=each.fingerprint,
            workflow_id=each.workflow_id,
            workflow_name=each.workflow_name,
            rule_id=each.rule_id,
            title=each.title,
            severity=each.severity,
            standing=standing,
            first_seen_at=NOW - timedelta(days=1),
        )
        for each in findings
    }


def a_result(workflow_id="wf-1", score=100, **more):
    return WorkflowResult(
        **{
            "workflow_id": workflow_id,
            "workflow_name": f"Name of {workflow_id}",
            "draft": False,
            "runs": 10,
            "score": score if isinstance(score, Score) else Score(score),
            "findings": (),
            "assessed_rule_ids": ("GHL401", "GHL402"),
            "not_assessed": (),
        }
        | more
    )


def defined(steps, triggers=(exports.FORM_SENT,), *, listed_status=None, history=None, **settings):
    """A workflow known by its definition; `None` for triggers leaves their list out."""
    content = exports.definition(steps, triggers or (), **settings)
    if triggers is None:
        del content["triggers"]
    return a_workflow(history, definition=content, status=listed_status)


def a_location(*workflows, references=None):
    """A location with these workflows or definitions; `None` is one that could not be read."""
    known = [each for each in workflows if each is not None]
    graph = location_graph(
        (each if isinstance(each, WorkflowEvidence) else evidence_from(each) for each in known),
        complete=len(known) == len(workflows),
    )
    return LocationEvidence(
        location_id="loc-1", graph=graph, references=references, reporting_workflows=len(known)
    )


def evidence_from(definition):
    return WorkflowEvidence(
        workflow_id=definition["_id"], workflow_name=definition["name"], definition=definition
    )


def found_in(workflow, rule_id, location=LOCATION):
    """What one rule says of a workflow in a location; it must have been able to look."""
    assessment = assess(workflow, location)
    gaps = {gap.rule_id: gap for gap in assessment.not_assessed}
    assert rule_id not in gaps, gaps[rule_id]
    return [finding for finding in assessment.findings if finding.rule_id == rule_id]


def lacking_in(workflow, rule_id, location=LOCATION):
    """What one rule lacks to judge a workflow in a location."""
    gaps = {gap.rule_id: gap.lacks for gap in assess(workflow, location).not_assessed}
    return gaps[rule_id]
