"""History in: nothing twice, nothing lost, nobody alerted."""

import asyncio
from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.ids import new_id
from libs.rpc.times import duration, timestamp
from services.ingestion.actions import importing as action
from tests.ingestion.builders import (
    ACCEPTED,
    DUPLICATE,
    FAILED,
    a_failure,
    ago,
    an_execution,
    listed,
    record,
    refused,
)
from tests.ingestion.test_export_executions import exported
from tests.support.waiting import eventually


async def importing(ingestion, location, *executions, portion=500, first=1):
    """Imports executions as the lines of a file; gives the answer."""
    lines = [pb.ImportLine(number=n, execution=each) for n, each in enumerate(executions, first)]

    async def portions():
        for start in range(0, max(1, len(lines)), portion):
            yield pb.ImportExecutionsRequest(
                location_id=location, lines=lines[start : start + portion]
            )

    return await ingestion.ImportExecutions(portions(), timeout=20)


def counts(answer):
    return answer.accepted_count, answer.duplicate_count, answer.rejected_count


@pytest.fixture
def lines():
    """A file: a line with an id of its own, two equal ones, one of long ago."""
    return [
        an_execution("", "a", run_id="r1", executed_at=ago(hours=1), workflow_name="Welcome"),
        a_failure("", "a", error_message="timeout", executed_at=ago(hours=2)),
        a_failure("", "b", executed_at=ago(days=80), execution_time_ms=7),
    ]


async def test_lines_become_executions_up_to_the_retention_in_the_past(ingestion, location, lines):
    assert counts(await importing(ingestion, location, *lines)) == (3, 0, 0)
    found = await listed(ingestion, location)

    assert [each.executed_at for each in found] == [each.executed_at for each in lines]
    assert {each.source for each in found} == {pb.EXECUTION_SOURCE_IMPORT}
    assert {each.location_id for each in found} == {location}
    assert (found[0].workflow_name, found[0].run_id) == ("Welcome", "r1")
    assert (found[1].error_class, found[2].execution_time_ms) == ("HTTP_REMOTE", 7)
    assert all(each.received_at.ToDatetime(UTC) > ago(minutes=1) for each in found)
    for each in found:
        request = pb.GetExecutionRequest(location_id=location, execution_id=each.execution_id)
        assert (await ingestion.GetExecution(request, timeout=5)).execution == each


@pytest.mark.parametrize("portion", [500, 1])
async def test_a_second_import_of_the_same_file_adds_nothing(ingestion, location, lines, portion):
    file = [*lines, lines[1], lines[1]]
    assert counts(await importing(ingestion, location, *file)) == (5, 0, 0)
    before = await listed(ingestion, location)
    assert counts(await importing(ingestion, location, *file, portion=portion)) == (0, 5, 0)
    assert await listed(ingestion, location) == before


async def test_an_import_that_broke_off_can_be_repeated(ingestion, location, lines):
    await importing(ingestion, location, *lines[:2])
    assert counts(await importing(ingestion, location, *lines)) == (1, 2, 0)


async def test_imports_of_the_same_file_at_the_same_moment_add_it_once(ingestion, location, lines):
    answers = await asyncio.gather(
        *[importing(ingestion, location, *lines, portion=1) for _ in range(4)]
    )
    assert sum(each.accepted_count for each in answers) == 3
    assert len(await listed(ingestion, location)) == 3


async def test_an_import_of_our_own_export_adds_nothing(ingestion, location):
    await record(ingestion, an_execution(location), a_failure(location, executed_at=ago(days=9)))
    (export,) = await exported(ingestion, location)
    assert counts(await importing(ingestion, location, *export)) == (0, 2, 0)


async def test_an_export_can_be_imported_where_it_is_not_known_and_only_once(ingestion, location):
    await record(ingestion, an_execution(f"{location}-b"), a_failure(f"{location}-b"))
    (export,) = await exported(ingestion, f"{location}-b")
    for each in export:
        each.location_id = ""
    assert counts(await importing(ingestion, location, *export)) == (2, 0, 0)
    assert counts(await importing(ingestion, location, *export)) == (0, 2, 0)
    (copy,) = await exported(ingestion, location)
    for each in copy:
        each.location_id = ""
    assert counts(await importing(ingestion, location, *copy)) == (0, 2, 0)
    ids = {each.execution_id for each in export} & {each.execution_id for each in copy}
    assert ids == set()


async def test_a_run_that_was_reported_lately_is_not_added_again(ingestion, location):
    await record(ingestion, an_execution(location, run_id="r", idempotency_key="r"))
    line = an_execution("", run_id="r", executed_at=ago(hours=1))
    assert counts(await importing(ingestion, location, line)) == (0, 1, 0)


async def test_a_run_that_was_imported_is_a_duplicate_when_it_is_reported(ingestion, location):
    await importing(ingestion, location, an_execution("", run_id="r", executed_at=ago(hours=1)))
    (result,) = await record(ingestion, an_execution(location, run_id="r", idempotency_key="r"))
    assert result.outcome == DUPLICATE
    (other,) = await record(ingestion, an_execution(location, run_id="r2", idempotency_key="r2"))
    assert other.outcome == ACCEPTED


async def test_the_numbers_count_what_was_imported(stopped_clock):
    ingestion = stopped_clock.ingestion
    ages = [0.5, 5, 24, 49, 100, 24 * 29, 24 * 31, 24 * 59]
    runs = [
        an_execution("", status=FAILED, executed_at=stopped_clock.ago(hours=age), run_id=str(age))
        for age in ages
    ]
    await importing(ingestion, "l", *runs)
    for days in (1, 7, 30):
        request = pb.GetWorkflowMetricsRequest(
            location_id="l", workflow_id="wf", window=duration(timedelta(days=days))
        )
        found = (await ingestion.GetWorkflowMetrics(request, timeout=5)).metrics
        assert found.current.total == sum(age <= 24 * days for age in ages)
        assert found.previous.total == sum(24 * days < age <= 48 * days for age in ages)


async def test_nobody_is_alerted(ingestion, location, notifier):
    await importing(
        ingestion, location, *[a_failure("", executed_at=ago(minutes=n)) for n in range(5)]
    )
    await record(ingestion, an_execution(location))
    (workflow,) = (
        await ingestion.ListWorkflows(pb.ListWorkflowsRequest(location_id=location), timeout=5)
    ).workflows
    assert not workflow.failing
    assert notifier.events(location) == []


async def test_rejected_lines_are_told_by_number_and_reason(ingestion, location):
    answer = await importing(
        ingestion,
        location,
        an_execution("", executed_at=ago(days=89)),
        an_execution("", executed_at=ago(days=91)),
        an_execution("", executed_at=ago(minutes=-6)),
        an_execution(""),
        an_execution("", status=0, executed_at=ago(days=1)),
        an_execution("", "", executed_at=ago(days=1)),
        an_execution("other", executed_at=ago(days=1)),
        first=2,
    )
    assert counts(answer) == (1, 0, 6)
    assert [(each.number, each.reason, each.field) for each in answer.rejected_lines] == [
        (3, "EXECUTED_AT_OUT_OF_RANGE", "executed_at"),
        (4, "EXECUTED_AT_OUT_OF_RANGE", "executed_at"),
        (5, "EXECUTED_AT_MISSING", "executed_at"),
        (6, "STATUS_MISSING", "status"),
        (7, "WORKFLOW_MISSING", "workflow_id"),
        (8, "LOCATION_DIFFERS", "location_id"),
    ]
    assert all(each.message for each in answer.rejected_lines)


async def test_of_many_rejected_lines_the_first_1000_are_told(ingestion, location):
    answer = await importing(ingestion, location, *[an_execution("")] * 1002)
    assert (answer.rejected_count, len(answer.rejected_lines)) == (1002, 1000)


async def test_an_exported_id_that_is_none_is_no_harm(ingestion, location):
    line = an_execution("", execution_id="number 7", executed_at=ago(days=1))
    assert counts(await importing(ingestion, location, line, line)) == (2, 0, 0)
    assert counts(await importing(ingestion, location, line, line)) == (0, 2, 0)


async def test_the_same_exported_id_at_another_time_is_another_execution(ingestion, location):
    id_ = new_id()
    line = an_execution("", execution_id=id_, executed_at=ago(days=1))
    moved = an_execution("", execution_id=id_, executed_at=ago(days=2))
    assert counts(await importing(ingestion, location, line, moved, line)) == (2, 1, 0)


async def test_above_the_most_lines_what_came_before_is_kept_and_all_may_be_sent_again(
    ingestion, location, monkeypatch
):
    monkeypatch.setattr(action, "MOST_LINES", 6)
    file = [an_execution("", executed_at=ago(days=1, minutes=n)) for n in range(7)]
    with refused(problems.InvalidRequest, "TOO_MANY_LINES"):
        await importing(ingestion, location, *file, portion=2)
    assert len(await listed(ingestion, location)) == 6
    assert counts(await importing(ingestion, location, *file[:4])) == (0, 4, 0)
    assert counts(await importing(ingestion, location, *file[4:])) == (1, 2, 0)


async def test_the_portions_are_of_one_location_and_of_500_lines_at_most(ingestion, location):
    line = pb.ImportLine(execution=an_execution("", executed_at=timestamp(ago(days=1))))

    async def portions(*sizes):
        for place, size in enumerate(sizes):
            yield pb.ImportExecutionsRequest(
                location_id=location + "-b" * place, lines=[line] * size
            )

    with refused(problems.InvalidRequest, "LOCATION_DIFFERS"):
        await ingestion.ImportExecutions(portions(1, 1), timeout=5)
    assert len(await listed(ingestion, location)) == 1
    with refused(problems.InvalidRequest, "TOO_MANY_ITEMS"):
        await ingestion.ImportExecutions(portions(501), timeout=5)
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await importing(ingestion, "", an_execution(""))


async def test_lines_that_are_read_ahead_are_judged_as_the_others(ingestion, location, monkeypatch):
    monkeypatch.setattr(action, "AT_ONCE", 2)
    file = [an_execution("", run_id=str(n), executed_at=ago(days=n)) for n in range(1, 10)]
    file[2].status = file[7].status = 0
    answer = await importing(ingestion, location, *file, file[0], portion=1)
    assert counts(answer) == (7, 1, 2)
    assert [each.number for each in answer.rejected_lines] == [3, 8]
    assert counts(await importing(ingestion, location, *file, file[0], portion=1)) == (0, 8, 2)


async def test_lines_before_a_malformed_portion_stay(ingestion, location, monkeypatch):
    monkeypatch.setattr(action, "AT_ONCE", 2)
    lines = [
        pb.ImportLine(execution=an_execution("", executed_at=ago(days=n))) for n in range(1, 6)
    ]

    async def portions():
        for each in lines:
            yield pb.ImportExecutionsRequest(location_id=location, lines=[each])
        yield pb.ImportExecutionsRequest(location_id=location, lines=lines * 101)

    with refused(problems.InvalidRequest, "TOO_MANY_ITEMS"):
        await ingestion.ImportExecutions(portions(), timeout=5)
    assert len(await listed(ingestion, location)) == 5


async def test_a_cancelled_import_leaves_whole_lots_and_can_be_repeated(
    ingestion, location, monkeypatch
):
    monkeypatch.setattr(action, "AT_ONCE", 2)
    file = [an_execution("", run_id=str(n), executed_at=ago(days=n)) for n in range(1, 6)]
    never = asyncio.Event()

    async def portions():
        for each in file:
            yield pb.ImportExecutionsRequest(
                location_id=location, lines=[pb.ImportLine(execution=each)]
            )
        await never.wait()

    async def four_stay():
        return len(await listed(ingestion, location)) == 4

    call = ingestion.ImportExecutions(portions(), timeout=20)
    await eventually(four_stay)
    call.cancel()
    assert counts(await importing(ingestion, location, *file)) == (1, 4, 0)


async def test_an_import_without_lines_is_nothing(ingestion, location):
    async def nothing():
        for each in ():
            yield each

    assert counts(await ingestion.ImportExecutions(nothing(), timeout=5)) == (0, 0, 0)
    assert counts(await importing(ingestion, location)) == (0, 0, 0)
