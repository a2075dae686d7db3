"""What a scan finds, scores, compares, and tells the notifier."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS, history, scanned, sql
from tests.support.waiting import eventually

FAILING = "F" * 20
HEALTHY = "S" * 20
SHAKY = "SF" * 10


async def findings(stub, scan_id="", **fields) -> list[pb.Finding]:
    request = pb.ListFindingsRequest(location_id=LOCATION, scan_id=scan_id, **fields)
    return list((await stub.ListFindings(request, timeout=SECONDS)).findings)


async def results(stub, scan_id="") -> list[pb.WorkflowResult]:
    request = pb.ListScanResultsRequest(location_id=LOCATION, scan_id=scan_id)
    return list((await stub.ListScanResults(request, timeout=SECONDS)).results)


@pytest.fixture
def three_workflows(ingestion):
    ingestion.knows("wf-a", history(*HEALTHY), name="Welcome")
    ingestion.knows("wf-b", history(*FAILING), name="Reminder")
    ingestion.knows("wf-c", history(*"SS"), name="Rare")


async def test_known_histories_give_the_expected_findings_and_scores(scheduler, three_workflows):
    done = await scanned(scheduler)

    found = await findings(scheduler)
    assert [(each.rule_id, each.workflow_id, each.penalty) for each in found] == [
        ("GHL401", "wf-b", 90),
        ("GHL402", "wf-b", 55),
    ]
    assert {each.severity for each in found} == {pb.SEVERITY_CRITICAL}
    assert {each.state for each in found} == {pb.FINDING_STATE_NEW}
    assert found[0].evidence == "20 of the 20 runs of the last 7 days failed: 100.0%."
    assert list(found[0].execution_ids) == [f"ex-{n}" for n in range(5)]
    assert {each.first_seen_at.seconds for each in found} == {done.completed_at.seconds}
    scores = [(each.workflow.workflow_id, each.workflow.score) for each in await results(scheduler)]
    assert scores == [("wf-b", 0), ("wf-a", 90), ("wf-c", 0)]


async def test_a_score_shows_its_work(scheduler, three_workflows):
    await scanned(scheduler)

    low, high, unscored = await results(scheduler)

    for each in (low, high):
        assert sum(line.points for line in each.deductions) == 100 - each.workflow.score
    assert [line.rule_id for line in low.deductions] == ["GHL401", "GHL402", ""]
    assert not unscored.workflow.HasField("score")
    assert list(unscored.deductions) == []
    assert "GHL401" in low.assessed_rule_ids
    assert "GHL401" in [each.rule_id for each in unscored.not_assessed]
    assert (low.runs, low.workflow.workflow_name) == (20, "Reminder")


async def test_the_summary_adds_up(scheduler, three_workflows):
    done = await scanned(scheduler)

    summary = done.summary
    assert (done.workflows_total, done.workflows_scanned, done.partial) == (3, 3, False)
    assert (done.issues_found, done.critical_issues) == (2, 2)
    assert (summary.critical_count, summary.warning_count, summary.info_count) == (2, 0, 0)
    assert (summary.new_count, summary.fixed_count, summary.known_count) == (2, 0, 0)
    assert (summary.score, summary.compared_with_scan_id) == (45, "")
    worst = [(each.workflow_name, each.score) for each in summary.worst_workflows]
    assert worst == [("Reminder", 0), ("Welcome", 90)]
    assert 0 < summary.checks_run < summary.checks_total
    assert "2 critical" in summary.text


async def test_the_notifier_is_told(scheduler, three_workflows, notifier):
    done = await scanned(scheduler)

    [completed] = await eventually(lambda: notifier.told("scan_completed"))
    assert (completed.location_id, completed.scan_completed.scan_id) == (LOCATION, done.scan_id)
    detail = completed.scan_completed
    assert (detail.trigger, detail.workflows_scanned, detail.issues_found) == ("manual", 3, 2)
    assert (detail.score, detail.summary) == (45, done.summary.text)
    assert detail.completed_at == done.completed_at
    critical = [each.critical_finding for each in notifier.told("critical_finding")]
    assert {each.rule_id for each in critical} == {"GHL401", "GHL402"}
    assert {each.fingerprint for each in critical} == {
        each.fingerprint for each in await findings(scheduler)
    }
    [low] = notifier.told("score_low")
    assert (low.score_low.workflow_id, low.score_low.score) == ("wf-b", 0)


async def test_what_is_known_is_not_told_again(scheduler, three_workflows, ingestion, notifier):
    first = await scanned(scheduler)
    before = {each.fingerprint: each for each in await findings(scheduler)}

    second = await scanned(scheduler)
    await eventually(lambda: len(notifier.told("scan_completed")) == 2)

    found = await findings(scheduler)
    assert second.summary.compared_with_scan_id == first.scan_id
    assert (second.summary.new_count, second.summary.known_count) == (0, 2)
    assert {each.state for each in found} == {pb.FINDING_STATE_OPEN}
    assert [each.first_seen_at for each in found] == [
        before[each.fingerprint].first_seen_at for each in found
    ]
    assert len(notifier.told("critical_finding")) == 2
    assert len(notifier.told("score_low")) == 1


async def test_what_is_fixed_is_counted_and_recovery_is_told(
    scheduler, three_workflows, ingestion, notifier
):
    await scanned(scheduler)
    ingestion.knows("wf-b", history(*HEALTHY), name="Reminder")

    done = await scanned(scheduler)

    assert (done.summary.new_count, done.summary.fixed_count, done.summary.known_count) == (0, 2, 0)
    assert await findings(scheduler) == []
    [event] = await eventually(lambda: notifier.told("score_recovered"))
    assert (event.score_recovered.workflow_id, event.score_recovered.score) == ("wf-b", 90)


async def test_what_comes_back_has_regressed(scheduler, three_workflows, ingestion, notifier):
    await scanned(scheduler)
    ingestion.knows("wf-b", history(*HEALTHY))
    await scanned(scheduler)
    ingestion.knows("wf-b", history(*FAILING))

    done = await scanned(scheduler)

    assert (done.summary.new_count, done.summary.regressed_count) == (2, 2)
    assert {each.state for each in await findings(scheduler)} == {pb.FINDING_STATE_REGRESSED}
    assert await eventually(lambda: len(notifier.told("critical_finding")) == 4)


async def test_a_scan_is_compared_with_one_of_the_same_scope(scheduler, three_workflows):
    everything = await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ALL)

    selected = {"scan_scope": pb.SCAN_SCOPE_SELECTED}
    some = await scanned(scheduler, **selected, selected_workflow_ids=["wf-b"])
    others = await scanned(scheduler, **selected, selected_workflow_ids=["wf-b", "wf-a"])
    turned = await scanned(scheduler, **selected, selected_workflow_ids=["wf-a", "wf-b"])
    fewer = await scanned(scheduler, **selected, selected_workflow_ids=["wf-a"])
    active = await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ACTIVE)
    again = await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ALL)

    done = (some, others, turned, fewer, active, again)
    compared = [each.summary.compared_with_scan_id for each in done]
    assert compared == ["", "", others.scan_id, "", "", everything.scan_id]


async def test_a_failed_scan_is_no_baseline(scheduler, three_workflows, url):
    first = await scanned(scheduler)
    second = await scanned(scheduler)
    await sql(url, "UPDATE scan_history SET status = 'failed' WHERE id = %s", second.scan_id)

    third = await scanned(scheduler)

    assert third.summary.compared_with_scan_id == first.scan_id


async def test_selected_workflows_that_nobody_knows_make_a_scan_partial(
    scheduler, three_workflows, notifier
):
    done = await scanned(
        scheduler,
        scan_scope=pb.SCAN_SCOPE_SELECTED,
        selected_workflow_ids=["wf-a", *(f"wf-{n}" for n in range(7))],
    )

    assert (done.partial, done.workflows_total, done.workflows_scanned) == (True, 8, 1)
    assert done.summary.text.endswith("Never seen: wf-0, wf-1, wf-2, wf-3, wf-4 and 2 more.")
    [event] = await eventually(lambda: notifier.told("scan_completed"))
    assert event.scan_completed.partial


async def test_active_are_those_that_ran_in_the_last_30_days(scheduler, ingestion):
    now = datetime.now(UTC)
    ingestion.knows("wf-new", ran_at=now - timedelta(days=29))
    ingestion.knows("wf-old", ran_at=now - timedelta(days=31))

    active = await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ACTIVE)
    everything = await scanned(scheduler, scan_scope=pb.SCAN_SCOPE_ALL)

    assert (active.workflows_scanned, everything.workflows_scanned) == (1, 2)


async def test_a_location_without_workflows_is_scanned_too(scheduler):
    done = await scanned(scheduler)

    assert (done.workflows_total, done.issues_found, done.partial) == (0, 0, False)
    assert not done.summary.HasField("score")


async def test_workflows_of_another_location_are_left_alone(scheduler, ingestion):
    ingestion.knows("wf-1", location="loc-2")

    assert (await scanned(scheduler)).workflows_total == 0


async def test_more_workflows_than_fit_into_one_call_are_all_scanned(scheduler, ingestion):
    for number in range(1101):
        ingestion.knows(f"wf-{number:04}", history(*SHAKY) if number == 1100 else None)

    done = await scanned(scheduler)

    assert (done.workflows_total, done.workflows_scanned) == (1101, 1101)
    assert {each.workflow_id for each in await findings(scheduler)} == {"wf-1100"}


async def test_an_event_the_notifier_refuses_holds_up_no_other(
    scheduler, three_workflows, notifier, url
):
    notifier.rejects.add("score_low")

    await scanned(scheduler)

    await eventually(lambda: notifier.told("scan_completed"))
    dead = await eventually(lambda: sql(url, "SELECT kind, reason FROM outbox_dead_letters"))
    assert dead == [("score_low", "WORKFLOW_MISSING: no")]
    assert await sql(url, "SELECT 1 FROM outbox") == []
