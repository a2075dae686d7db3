"""What a scan makes of what GoHighLevel tells of a location."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, at, history, scanned, sql
from tests.scheduler.knowing import (
    EMPTY_WAIT,
    HEALTHY,
    changes,
    connected,
    found_rules,
    has,
    results,
    snapshots,
    workflow,
)
from tests.support.ghl_agency import a_step, a_trigger, in_a_row
from tests.support.waiting import eventually

ACTIVE, ALL = pb.SCAN_SCOPE_ACTIVE, pb.SCAN_SCOPE_ALL


async def test_definitions_and_lists_are_judged(scheduler, ghl):
    missing = a_trigger("contact_tag", "tags", "no-such-tag")
    has(
        ghl,
        workflow("wf-healthy"),
        workflow("wf-wait", EMPTY_WAIT),
        workflow("wf-tag") | {"triggers": [missing]},
    )
    await connected(scheduler, ghl)

    done = await scanned(scheduler)

    assert await found_rules(scheduler) == {("GHL222", "wf-wait"), ("GHL205", "wf-tag")}
    scores = {id_: each.workflow.score for id_, each in (await results(scheduler)).items()}
    assert scores == {"wf-healthy": 95, "wf-wait": 60, "wf-tag": 65}
    assert (done.partial, done.workflows_scanned) == (False, 3)
    # The list, the location, its eight lists, and three definitions.
    assert done.summary.ghl_calls == len(ghl.calls) - 1 == 13


async def test_workflows_are_judged_together(scheduler, ghl):
    shared = [a_trigger("contact_tag", "tags", "start-wf-1")]
    has(ghl, workflow("wf-1"), workflow("wf-2") | {"triggers": shared})
    await connected(scheduler, ghl)

    await scanned(scheduler)

    assert await found_rules(scheduler) == {("GHL206", "wf-1"), ("GHL206", "wf-2")}


async def test_with_everything_there_every_rule_but_that_of_step_logs_is_assessed(
    scheduler, ghl, ingestion
):
    runs = history(*"S" * 20)
    runs.median_gap.FromTimedelta(timedelta(hours=1))
    runs.longest_gap.FromTimedelta(timedelta(hours=1))
    runs.hourly_runs.extend([0] * 148 + [1] * 20)
    ingestion.knows("wf-1", runs)
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    await scanned(scheduler)

    await scanned(scheduler)

    result = (await results(scheduler))["wf-1"]
    lacking = {each.rule_id: each.lacks for each in result.not_assessed}
    assert lacking.keys() == {"GHL410"}
    assert list(result.coverage) == []


async def test_active_are_the_published_ones(scheduler, ghl, ingestion):
    ingestion.knows("wf-draft", history(*"SSS"))
    ingestion.knows("wf-elsewhere", history(*"SSS"))
    has(ghl, workflow("wf-live"), workflow("wf-draft", status="draft"))
    await connected(scheduler, ghl)

    await scanned(scheduler, scan_scope=ACTIVE)
    assert set(await results(scheduler)) == {"wf-live"}

    await scanned(scheduler, scan_scope=ALL)
    assert set(await results(scheduler)) == {"wf-live", "wf-draft", "wf-elsewhere"}


@pytest.mark.parametrize(
    ("scope", "left"), [(ACTIVE, set()), (ALL, {("GHL101", "wf-2"), ("GHL102", "wf-3")})]
)
async def test_what_was_unpublished_or_deleted_is_found_and_told_once(
    scheduler, ghl, ingestion, notifier, *, scope, left
):
    ingestion.knows("wf-3", history(*"SSS"))
    has(ghl, workflow("wf-1"), workflow("wf-2"), workflow("wf-3"))
    await connected(scheduler, ghl)
    await scanned(scheduler, scan_scope=scope)
    assert await found_rules(scheduler) == set()
    has(ghl, workflow("wf-1"), workflow("wf-2", status="draft"))

    await scanned(scheduler, scan_scope=scope)
    assert await found_rules(scheduler) == {("GHL101", "wf-2"), ("GHL102", "wf-3")}
    await eventually(lambda: len(notifier.told("critical_finding")) == 2)

    still = await scanned(scheduler, scan_scope=scope)
    assert await found_rules(scheduler) == left
    assert (still.summary.new_count, still.summary.fixed_count) == (0, 0)
    assert len(notifier.told("critical_finding")) == 2


@pytest.mark.parametrize("scope", [ACTIVE, ALL])
async def test_what_is_published_again_or_back_is_fixed(
    scheduler, ghl, ingestion, notifier, *, scope
):
    ingestion.knows("wf-3", history(*"SSS"))
    has(ghl, workflow("wf-1"), workflow("wf-2"), workflow("wf-3"))
    await connected(scheduler, ghl)
    await scanned(scheduler, scan_scope=scope)
    has(ghl, workflow("wf-1"), workflow("wf-2", status="draft"))
    await scanned(scheduler, scan_scope=scope)
    await eventually(lambda: len(notifier.told("critical_finding")) == 2)

    has(ghl, workflow("wf-1"), workflow("wf-2"), workflow("wf-3"))
    back = await scanned(scheduler, scan_scope=scope)
    assert await found_rules(scheduler) == set()
    assert back.summary.fixed_count == 2
    await eventually(lambda: len(notifier.told("finding_fixed")) == 2)


async def test_what_a_failed_scan_saw_first_is_found_by_the_next(scheduler, ghl, url):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    await scanned(scheduler)
    has(ghl, workflow("wf-1", status="draft"))
    # As if a scan had stored the snapshot, and then not come to its end.
    await sql(url, "UPDATE workflow_snapshots SET status = 'draft'")

    await scanned(scheduler)

    assert await found_rules(scheduler) == {("GHL101", "wf-1")}


async def test_a_selected_workflow_that_is_not_there_is_a_finding(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)

    done = await scanned(
        scheduler,
        scan_scope=pb.SCAN_SCOPE_SELECTED,
        selected_workflow_ids=["wf-1", "wf-gone"],
    )

    assert (done.partial, done.workflows_total, done.workflows_scanned) == (False, 2, 2)
    assert await found_rules(scheduler) == {("GHL102", "wf-gone")}


async def test_a_selection_costs_calls_for_what_is_selected_only(scheduler, ghl):
    has(ghl, *(workflow(f"wf-{n}") for n in range(5)))
    await connected(scheduler, ghl)

    await scanned(
        scheduler, scan_scope=pb.SCAN_SCOPE_SELECTED, selected_workflow_ids=["wf-1", "wf-2"]
    )

    read = sorted(each.path for each in ghl.calls_of("/definition"))
    assert read == ["/workflows/wf-1/definition", "/workflows/wf-2/definition"]


async def test_ingestion_is_told_what_was_learned(scheduler, ghl, ingestion):
    has(ghl, workflow("wf-1", version=24), workflow("wf-2", status="draft"))
    await connected(scheduler, ghl)

    await scanned(scheduler)

    told = ingestion.reported[LOCATION, "wf-1"]
    assert (told.name, told.status, told.version) == ("About wf-1", "published", 24)
    assert told.changed_at.ToJsonString() == "2026-10-02T08:10:00Z"
    assert ingestion.reported[LOCATION, "wf-2"].status == "draft"


async def test_failures_after_an_edit_are_laid_to_it(scheduler, ghl, ingestion, url):
    has(ghl, workflow("wf-1", version=23))
    await connected(scheduler, ghl)
    await scanned(scheduler)
    await sql(url, "UPDATE workflow_snapshots SET last_seen_at = now() - interval '1 day'")
    ingestion.knows("wf-1", history(*"FFFFFFFFSSSSSSSS"))
    edited = datetime.now(UTC) - timedelta(hours=7, minutes=30)
    has(ghl, workflow("wf-1", version=24, updatedAt=edited.isoformat()))

    await scanned(scheduler)

    assert ("GHL105", "wf-1") in await found_rules(scheduler)
    [change] = await changes(scheduler)
    assert at(change.changed_at) == edited


async def test_without_the_workflow_api_one_call_a_day_tells(scheduler, ghl):
    has(ghl, *(workflow(f"wf-{n}") for n in range(8)), api=False)
    await connected(scheduler, ghl)

    first, second = await scanned(scheduler), await scanned(scheduler)

    assert len(ghl.calls_of("/definition")) == 1
    assert (first.partial, second.partial) == (False, False)
    assert (first.summary.ghl_calls, second.summary.ghl_calls) == (2, 1)
    coverage = {each.id: each for each in (await results(scheduler))["wf-1"].coverage}
    assert "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION" in coverage["GHL901"].detail


async def test_the_list_is_asked_for_once(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    before = len(ghl.calls)

    await scanned(scheduler)

    listed = [each for each in ghl.calls[before:] if each.path == "/workflows/"]
    assert len(listed) == 1


async def test_a_list_that_may_not_be_read_leaves_the_runs(scheduler, ghl, ingestion):
    ingestion.knows("wf-1", history(*"F" * 20), name="Reminder")
    token = await connected(scheduler, ghl)
    ghl.agency.tokens[token].scopes = frozenset({"forms.readonly"})

    done = await scanned(scheduler)

    assert (done.partial, done.workflows_scanned) == (False, 1)
    assert ("GHL402", "wf-1") in await found_rules(scheduler)
    lacking = {each.rule_id: each.lacks for each in (await results(scheduler))["wf-1"].not_assessed}
    assert "metadata" in lacking["GHL101"]
    assert await snapshots(scheduler) == []


async def test_more_definitions_than_are_in_memory_at_a_time(scheduler, ghl):
    chain = [
        workflow(
            f"wf-{n:02}",
            in_a_row(
                *HEALTHY[:1], a_step("next", "add_to_workflow", "On", workflow_id=f"wf-{n + 1:02}")
            ),
        )
        for n in range(29)
    ]
    last = a_step("next", "add_to_workflow", "On", workflow_id="wf-00")
    has(ghl, *chain, workflow("wf-29", in_a_row(*HEALTHY[:1], last)))
    await connected(scheduler, ghl)

    await scanned(scheduler)

    circle = await found_rules(scheduler, rule_id="GHL212")
    assert circle == {("GHL212", f"wf-{n:02}") for n in range(30)}


async def test_a_storm_of_runs_is_seen_by_the_hour(scheduler, ingestion):
    runs = history(*"S" * 20)
    runs.hourly_runs.extend([2] * 167 + [400])
    ingestion.knows("wf-1", runs)

    await scanned(scheduler)

    assert ("GHL409", "wf-1") in await found_rules(scheduler)
