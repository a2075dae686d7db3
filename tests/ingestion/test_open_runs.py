"""Runs that start and finish, and those that never do."""

import asyncio
from datetime import UTC, timedelta

import psycopg
import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.actions.giving_up import GivingUp
from services.ingestion.actions.recording import Recording
from services.ingestion.domain.contact import ContactRefs
from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    FAILED,
    KEY,
    REJECTED,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
)
from tests.ingestion.test_import_executions import importing
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

STARTED = pb.EXECUTION_STATUS_STARTED
DAY = timedelta(hours=24)


def a_start(location, run_id="r", **fields):
    return an_execution(location, status=STARTED, run_id=run_id, **fields)


@pytest.fixture
def url(new_database):
    return new_database("ingestion")


@pytest.fixture
async def service(url, notifier_address):
    async with an_ingestion(url, notifier_address) as ingestion:
        yield ingestion


@pytest.fixture
async def giving_up(url):
    async with Database.open(url, name="test") as database:
        yield GivingUp(
            database, Recording(database, SecretBox([KEY]), ContactRefs([KEY]), lambda: None), 24
        )


def open_runs(url):
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT run_id FROM open_runs ORDER BY 1")]


async def test_a_start_is_no_execution_yet(service, url):
    (result,) = await record(service, a_start("l"))
    assert result == pb.RecordResult(outcome=ACCEPTED)
    assert open_runs(url) == ["r"]
    assert await listed(service, "l") == []


@pytest.mark.parametrize("make", [an_execution, a_failure])
@pytest.mark.parametrize("key", ["", "r"])
async def test_the_end_closes_the_run(service, url, make, key):
    await record(service, a_start("l"), a_start("l", "another"))
    await record(service, make("l", run_id="r", idempotency_key=key))
    assert open_runs(url) == ["another"]
    assert [each.run_id for each in await listed(service, "l")] == ["r"]


async def test_an_imported_end_closes_the_run(service, url):
    await record(service, a_start("l"), a_start("l", "another"), a_start("m"))
    await importing(service, "l", an_execution("", run_id="r", executed_at=ago(days=9)))
    assert open_runs(url) == ["another", "r"]


async def test_start_and_end_in_one_batch_leave_nothing_open(service, url):
    await record(service, an_execution("l", run_id="a"), a_start("l", "a"), a_start("l", "b"))
    await record(service, a_start("l", "c"), an_execution("l", run_id="c"))
    assert open_runs(url) == ["b"]


async def test_a_start_told_twice_or_after_the_end_opens_nothing(service, url):
    first = await record(service, a_start("l"), a_start("l"))
    again = await record(service, a_start("l"))
    await record(service, an_execution("l", run_id="r", idempotency_key="r"))
    late = await record(service, a_start("l"))
    outcomes = [each.outcome for each in (*first, *again, *late)]
    assert outcomes == [ACCEPTED, DUPLICATE, DUPLICATE, DUPLICATE]
    assert open_runs(url) == []


async def test_the_same_run_id_of_another_workflow_is_another_run(service, url):
    await record(service, a_start("l"), an_execution("l", "other", run_id="r"))
    await record(service, an_execution("m", run_id="r"))
    assert open_runs(url) == ["r"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"run_id": ""}, "RUN_ID_MISSING"),
        ({"run_id": "x" * 201}, "FIELD_TOO_LONG"),
        ({"executed_at": ago(days=31)}, "EXECUTED_AT_OUT_OF_RANGE"),
    ],
)
async def test_a_start_that_cannot_be_kept_is_rejected(ingestion, location, fields, reason):
    wrong, good = await record(ingestion, a_start(location, **fields), an_execution(location))
    assert (wrong.outcome, wrong.reason) == (REJECTED, reason)
    assert good.outcome == ACCEPTED


async def test_a_run_that_never_finishes_is_a_failure_of_its_own_kind(url, service, giving_up):
    started_at = ago(hours=1)
    start = {"executed_at": started_at, "workflow_name": "Welcome", "contact_id": "c"}
    await record(service, a_start("l", **start))
    set_clock(url, started_at + DAY - timedelta(microseconds=1))
    await giving_up.give_up_overdue()
    assert await listed(service, "l") == []

    set_clock(url, started_at + DAY)
    await giving_up.give_up_overdue()
    (found,) = await listed(service, "l", contact_id="c")
    assert (found.status, found.error_class) == (FAILED, "NEVER_FINISHED")
    assert (found.run_id, found.workflow_name) == ("r", "Welcome")
    assert found.error_message == "No end of the run was reported within 24 hours."
    assert found.executed_at.ToDatetime(UTC) == started_at + DAY
    assert open_runs(url) == []


async def test_runs_that_never_finish_alert_like_other_failures(notifier, url, notifier_address):
    async with an_ingestion(url, notifier_address, run_limit_hours=1) as service:
        starts = [a_start("never", str(n), executed_at=ago(minutes=59)) for n in range(3)]
        await record(service, *starts)
        set_clock(url, ago(hours=-1))
    # The job runs when the service starts.
    async with an_ingestion(url, notifier_address, run_limit_hours=1):
        (failing,) = await eventually(lambda: notifier.failing("never"))
    assert (failing.failure_count, failing.error_class) == (3, "NEVER_FINISHED")


async def test_several_replicas_give_a_run_up_once(url, service, giving_up):
    await record(service, *[a_start("l", str(n)) for n in range(20)])
    set_clock(url, ago(hours=-25))
    await asyncio.gather(*[giving_up.give_up_overdue() for _ in range(4)])
    assert len(await listed(service, "l")) == 20
    assert open_runs(url) == []


async def test_the_end_of_a_run_that_was_given_up_is_a_duplicate(url, service, giving_up):
    await record(service, a_start("l"))
    set_clock(url, ago(hours=-25))
    await giving_up.give_up_overdue()
    (late,) = await record(service, an_execution("l", run_id="r", idempotency_key="r"))
    (kept,) = await listed(service, "l")
    assert (late.outcome, late.execution_id) == (DUPLICATE, kept.execution_id)


async def test_a_run_whose_end_slipped_by_is_not_given_up(url, service, giving_up):
    await record(service, an_execution("l", run_id="r"))
    await record(service, a_start("l"))
    assert open_runs(url) == ["r"]
    set_clock(url, ago(hours=-25))
    await giving_up.give_up_overdue()
    assert [each.status for each in await listed(service, "l")] == [pb.EXECUTION_STATUS_SUCCESS]
    assert open_runs(url) == []


async def test_more_than_500_overdue_runs_are_all_given_up(url, service, giving_up):
    await record(service, *[a_start("l", str(n)) for n in range(500)])
    await record(service, a_start("l", "one more"))
    set_clock(url, ago(hours=-25))
    await giving_up.give_up_overdue()
    assert open_runs(url) == []


async def test_a_workflow_is_known_once_a_run_of_it_began(service):
    await record(service, a_start("l", workflow_name="Welcome"), a_start("l", "another"))
    request = pb.ListWorkflowsRequest(location_id="l")
    (found,) = (await service.ListWorkflows(request, timeout=5)).workflows
    assert (found.workflow_id, found.name) == ("wf", "Welcome")
    assert not found.HasField("last_execution_at")


async def limit(service, workflow_id, hours):
    workflow = pb.Workflow(location_id="l", workflow_id=workflow_id, run_limit_hours=hours)
    request = pb.UpdateWorkflowRequest(workflow=workflow)
    request.update_mask.paths.append("run_limit_hours")
    await service.UpdateWorkflow(request, timeout=5)


async def test_each_workflow_may_have_a_limit_of_its_own(url, service, giving_up):
    workflows = {"short": 2, "long": 48, "none": None}
    for workflow_id, hours in workflows.items():
        start = an_execution("l", workflow_id, status=STARTED, run_id=workflow_id)
        await record(service, start)
        await limit(service, workflow_id, hours)
    given_up = []
    for hours in (1.9, 2.1, 23.9, 24.1, 47.9, 48.1):
        set_clock(url, ago(hours=-hours))
        await giving_up.give_up_overdue()
        given_up.append([each.run_id for each in await listed(service, "l")])
    assert given_up == [
        [],
        ["short"],
        ["short"],
        ["none", "short"],
        ["none", "short"],
        ["long", "none", "short"],
    ]
    messages = {each.run_id: each.error_message for each in await listed(service, "l")}
    assert messages["short"] == "No end of the run was reported within 2 hours."


async def test_a_run_with_a_limit_of_its_own_whose_end_slipped_by_is_not_given_up(
    url, service, giving_up
):
    await record(service, an_execution("l", run_id="r"))
    await record(service, a_start("l"))
    await limit(service, "wf", 1)
    set_clock(url, ago(hours=-2))
    await giving_up.give_up_overdue()
    assert open_runs(url) == []
    assert len(await listed(service, "l")) == 1
