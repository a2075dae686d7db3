"""GHL101, 102, 103 and 105: what must fire each, and the nearest that must not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler.domain.evidence import (
    LocationEvidence,
    StepLog,
    VersionChange,
    WorkflowSnapshot,
    WorkflowStatus,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.result import examined
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import (
    HOUR,
    LOCATION,
    NOW,
    a_workflow,
    counts,
    defined,
    found,
    found_in,
    lacking,
    lacking_in,
    ran,
)

DRAFT, PUBLISHED = WorkflowStatus.DRAFT, WorkflowStatus.PUBLISHED
WAS_LIVE = WorkflowSnapshot(PUBLISHED)
DAY = timedelta(days=1)


def test_a_workflow_that_was_unpublished_is_found_at_full_weight():
    (finding,) = found(a_workflow(status=DRAFT, previous=WAS_LIVE), "GHL101")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)


STANDS = {"standing": frozenset({"GHL101", "GHL102"})}


def test_what_changed_stands_until_the_opposite_is_seen():
    still_draft = a_workflow(status=DRAFT, previous=WorkflowSnapshot(DRAFT), **STANDS)
    still_gone = a_workflow(listed=False, previous=WorkflowSnapshot(None), **STANDS)
    back = a_workflow(status=PUBLISHED, previous=WorkflowSnapshot(DRAFT), listed=True, **STANDS)

    assert found(still_draft, "GHL101")
    assert found(still_gone, "GHL102")
    assert found(still_gone, "GHL101") == found(back, "GHL101") == found(back, "GHL102") == []


@pytest.mark.parametrize(
    "workflow",
    [
        a_workflow(status=PUBLISHED, previous=WAS_LIVE),
        a_workflow(status=DRAFT, previous=WorkflowSnapshot(DRAFT)),
        a_workflow(status=DRAFT, previous=WorkflowSnapshot(None)),
        a_workflow(listed=True, previous=WAS_LIVE),
        a_workflow(listed=False, previous=WAS_LIVE),
    ],
)
def test_a_workflow_that_stayed_as_it_was_was_not_unpublished(workflow):
    assert found(workflow, "GHL101") == []


def test_a_first_scan_knows_of_no_change():
    assert lacking(a_workflow(status=DRAFT), "GHL101") == "earlier scan"
    assert lacking(a_workflow(previous=WAS_LIVE), "GHL101") == "metadata"


@pytest.mark.parametrize(
    "workflow",
    [a_workflow(listed=False, previous=WAS_LIVE), a_workflow(listed=False, selected=True)],
)
def test_a_workflow_that_disappeared_is_found_by_that_rule_alone(workflow):
    silent = replace(workflow, history=ran("S" * 30, newest_ago=5 * DAY).history)
    (finding,) = examined(silent, LOCATION).findings

    assert (finding.rule_id, finding.severity, finding.penalty) == (
        "GHL102",
        Severity.CRITICAL,
        45,
    )


@pytest.mark.parametrize(
    "workflow",
    [
        a_workflow(listed=True, previous=WAS_LIVE, selected=True),
        a_workflow(listed=False),
        a_workflow(listed=False, previous=WorkflowSnapshot(None)),
    ],
    ids=["it is there", "only ever seen in runs", "never listed"],
)
def test_a_workflow_that_is_there_or_never_was_did_not_disappear(workflow):
    assert found(workflow, "GHL102") == []


def test_without_the_list_nothing_disappeared():
    assert "list" in lacking(a_workflow(status=PUBLISHED, previous=WAS_LIVE), "GHL102")


OTHERS_RUN = LocationEvidence(location_id="loc-1", reporting_workflows=3)


REPORTING = e.webhook()


def resting(steps=(REPORTING,), triggers=(e.FORM_SENT,), **more):
    workflow = defined(list(steps), triggers, listed_status=PUBLISHED, history=ran("").history)
    return replace(workflow, **{"created_at": NOW - 8 * DAY} | more)


def test_a_published_workflow_that_never_ran_is_found():
    (finding,) = found_in(resting(), "GHL103", OTHERS_RUN)

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)
    assert "has never run, while 3 other" in finding.evidence


def test_a_workflow_that_ran_long_ago_is_found_and_one_told_by_step_logs():
    long_ago = ran("SS", newest_ago=40 * DAY).history
    logs = (StepLog(step_id="a"),)

    assert found_in(resting([e.sms()], history=long_ago), "GHL103", OTHERS_RUN)
    assert found_in(resting([e.sms()], step_logs=logs), "GHL103", OTHERS_RUN)


@pytest.mark.parametrize(
    "workflow",
    [
        resting(status=DRAFT),
        resting(created_at=NOW - 6 * DAY),
        resting(version_changes=(VersionChange(NOW - 2 * DAY),)),
        resting(history=ran("S", newest_ago=29 * DAY).history),
        resting(history=ran("S" * 20, newest_ago=40 * DAY).history),
        resting(triggers=[e.trigger("birthday_reminder"), e.trigger("validation_error")]),
    ],
    ids=["a draft", "new", "changed lately", "ran", "GHL104 tells it", "rests by nature"],
)
def test_a_workflow_that_may_rest_is_fine(workflow):
    assert found_in(workflow, "GHL103", OTHERS_RUN) == []


@pytest.mark.parametrize(
    ("workflow", "location", "missing"),
    [
        (resting([e.sms()]), OTHERS_RUN, "a sign that it reports its runs"),
        (resting(definition=None), OTHERS_RUN, "a sign that it reports its runs"),
        (resting(), LOCATION, "runs of the location's other workflows"),
        (resting(created_at=None), OTHERS_RUN, "when it was created"),
    ],
)
def test_who_may_run_and_tell_nobody_is_not_judged(workflow, location, missing):
    assert missing in lacking_in(workflow, "GHL103", location)


def edited(letters, position, **more):
    """A workflow with these runs, changed just before the run at a position."""
    history = ran(letters, last_7_days=counts(succeeded=100)).history
    change = VersionChange(history.recent_runs[position].executed_at, 8)
    return a_workflow(history, **{"status": PUBLISHED, "version_changes": (change,)} | more)


def test_failures_that_began_with_an_edit_are_found():
    (finding,) = found(edited("FSFSS" + "S" * 10, 4), "GHL105")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 15)
    assert finding.evidence == (
        "2 of 5 runs failed since the change to version 8 at 2026-11-20 07:00 UTC, 0 of 10 before."
    )
    assert finding.execution_ids == ("ex-0", "ex-2")


@pytest.mark.parametrize(
    "workflow",
    [
        edited("FSSSS" + "S" * 10, 4),
        edited("FSFSS" + "FSFSS", 4),
        edited("S" * 10, 4),
        edited("FSFSS" + "S" * 10, 4, version_changes=()),
    ],
    ids=["one more is chance", "as before", "none", "no edit"],
)
def test_failures_that_did_not_begin_with_an_edit_are_fine(workflow):
    assert found(workflow, "GHL105") == []


def test_an_edit_is_judged_by_five_runs_a_side_and_only_where_it_is_known():
    assert "5 runs on each side" in lacking(edited("FFFFS" + "S" * 10, 3), "GHL105")
    assert "times" in lacking(edited("S" * 10, 4, version_changes=None), "GHL105")


def test_expected_failures_after_an_edit_are_no_fault():
    workflow = edited("FFFFF" + "S" * 10, 4)
    runs = tuple(replace(each, expected=True) for each in workflow.history.recent_runs)

    assert (
        found(replace(workflow, history=replace(workflow.history, recent_runs=runs)), "GHL105")
        == []
    )


def test_an_edit_long_after_the_runs_is_not_judged():
    assert "each side" in lacking(
        edited("S" * 10, 4, version_changes=(VersionChange(NOW - HOUR / 2),)), "GHL105"
    )
