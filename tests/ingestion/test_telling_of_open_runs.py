"""Whoever must know that runs never finish, or finish again, is told: once."""

from datetime import UTC

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.actions.giving_up import GivingUp
from services.ingestion.actions.recording import Recording
from services.ingestion.domain.contact import ContactRefs
from tests.ingestion.builders import KEY, PARTIAL, SUCCESS, a_failure, an_execution, record
from tests.support.waiting import eventually

STARTED = pb.EXECUTION_STATUS_STARTED


def a_start(location, *run_ids, **fields):
    return [an_execution(location, status=STARTED, run_id=each, **fields) for each in run_ids]


@pytest.fixture
async def give_up(stopped_clock):
    """Lets time pass, then gives up what is overdue."""
    async with Database.open(stopped_clock.url, name="test") as database:
        recording = Recording(database, SecretBox([KEY]), ContactRefs([KEY]), lambda: None)
        giving_up = GivingUp(database, recording, 24)

        async def after(**span):
            stopped_clock.move(**span)
            await giving_up.give_up_overdue()

        yield after


async def told(notifier, location, count):
    """The kinds of a location's events, once there are so many; fails when there are more."""
    await eventually(lambda: len(notifier.events(location)) >= count)
    assert len(notifier.events(location)) == count
    return [each.WhichOneof("detail") for each in notifier.events(location)]


async def test_runs_that_never_finished_are_told_with_all_that_is_known(
    stopped_clock, notifier, give_up
):
    oldest = stopped_clock.ago(minutes=90)
    await record(
        stopped_clock.ingestion,
        *a_start("stuck", "1", executed_at=oldest, workflow_name="Welcome"),
        *a_start("stuck", "2"),
    )
    await give_up(hours=24)
    assert await told(notifier, "stuck", 1) == ["never_finished"]
    (event,) = notifier.events("stuck")
    stuck = event.never_finished

    assert (stuck.workflow_id, stuck.workflow_name, stuck.new_runs) == ("wf", "Welcome", 2)
    assert stuck.oldest_started_at.ToDatetime(UTC) == oldest
    assert list(stuck.run_ids) == ["2", "1"]


async def test_at_most_five_run_ids_are_told_the_newest_first(stopped_clock, notifier, give_up):
    await record(stopped_clock.ingestion, a_failure("many"), an_execution("many"))
    notifier.configure("many", failures=100)
    for number in range(7):
        at = stopped_clock.ago(minutes=10 - number)
        await record(stopped_clock.ingestion, *a_start("many", str(number), executed_at=at))
    threshold = pb.CheckAlertThresholdRequest(location_id="many", workflow_id="wf")

    async def follows():
        answer = await stopped_clock.ingestion.CheckAlertThreshold(threshold, timeout=5)
        return answer.failure_threshold == 100

    await eventually(follows)
    await give_up(hours=24)
    await told(notifier, "many", 1)
    (event,) = notifier.events("many")
    assert event.never_finished.new_runs == 7
    assert list(event.never_finished.run_ids) == ["6", "5", "4", "3", "2"]


@pytest.mark.parametrize("status", [SUCCESS, PARTIAL])
async def test_the_first_run_that_ends_after_them_is_told(stopped_clock, notifier, give_up, status):
    location = f"ends as {status}"
    ingestion = stopped_clock.ingestion
    await record(ingestion, *a_start(location, "1"))
    await give_up(hours=25)
    early = an_execution(location, status=status, executed_at=stopped_clock.ago(hours=2))
    await record(ingestion, early)
    await told(notifier, location, 1)
    await record(ingestion, an_execution(location, status=status))
    await record(ingestion, an_execution(location, status=PARTIAL))
    assert await told(notifier, location, 2) == ["never_finished", "finished_again"]

    await record(ingestion, *a_start(location, "2"))
    await give_up(hours=25)
    assert (await told(notifier, location, 3))[2] == "never_finished"


async def test_more_of_them_are_told_as_they_come(stopped_clock, notifier, give_up):
    await record(stopped_clock.ingestion, *a_start("more", "1"))
    await give_up(hours=25)
    await record(stopped_clock.ingestion, *a_start("more", "2"))
    await give_up(hours=25)
    assert await told(notifier, "more", 2) == ["never_finished"] * 2
    assert [each.never_finished.new_runs for each in notifier.events("more")] == [1, 1]


async def test_whoever_is_failing_is_told_of_as_failing_only(stopped_clock, notifier, give_up):
    await record(stopped_clock.ingestion, *a_start("failing", "1", "2", "3", "4"))
    await give_up(hours=25)
    assert await told(notifier, "failing", 1) == ["workflow_failing"]
    assert notifier.failing("failing")[0].error_class == "NEVER_FINISHED"
    await record(stopped_clock.ingestion, an_execution("failing"))
    assert await told(notifier, "failing", 2) == ["workflow_failing", "workflow_recovered"]


async def test_both_ends_are_told_when_both_began(stopped_clock, notifier, give_up):
    await record(stopped_clock.ingestion, *a_start("both", "1"))
    await give_up(hours=25)
    await record(stopped_clock.ingestion, *[a_failure("both")] * 3)
    await record(stopped_clock.ingestion, an_execution("both"))
    kinds = await told(notifier, "both", 4)
    assert kinds[0] == "never_finished"
    assert sorted(kinds[1:]) == ["finished_again", "workflow_failing", "workflow_recovered"]
