"""The notifier's thresholds are copied, and a change is acted on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc
from libs.db.database import Database
from libs.ids import new_id
from libs.rpc.client import channel
from libs.secrets import SecretBox
from libs.settings import PeerSettings
from services.ingestion.actions.following import ThresholdCopy
from services.ingestion.actions.measuring import Measuring
from services.ingestion.actions.recording import Recording
from services.ingestion.actions.tidying import Tidying
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import Report, Status, WorkflowKey
from services.ingestion.peers import NotifierPeer, NotifierUnavailable
from tests.ingestion.builders import KEY, a_failure, an_ingestion, record, waiting_for_locks
from tests.ingestion.fake_notifier import FakeNotifier, answering
from tests.support.waiting import eventually

NOTIFIER = notifier_pb2.DESCRIPTOR.services_by_name["NotifierService"]


@dataclass
class House:
    """The rooms of a service without its door and its jobs."""

    url: str
    notifier: FakeNotifier
    recording: Recording
    measuring: Measuring
    thresholds: ThresholdCopy
    woken: list[None] = field(default_factory=list)

    async def fail(self, location, times, workflow="wf", status=Status.FAILED):
        runs = [Report(location_id=location, workflow_id=workflow, status=status)] * times
        await self.recording.record(runs)

    async def threshold(self, location, workflow="wf"):
        key = WorkflowKey(location, workflow)
        tally = await self.measuring.tally(key, failures=None, hours=None)
        return tally.threshold

    def told(self):
        """Kind, workflow and new failures of all that waits to be told."""
        query = """
            SELECT kind, payload->>'workflow_id', payload->'new_failures'
            FROM outbox ORDER BY id
        """
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
async def house(new_database) -> AsyncIterator[House]:
    url, notifier = new_database("ingestion"), FakeNotifier()
    settings = PeerSettings(_env_file=None)
    async with (
        answering(notifier) as address,
        channel(address, NOTIFIER, settings) as opened,
        Database.open(url, name="test") as database,
    ):
        await Tidying(database, timedelta(days=90)).make_partitions()
        woken = []
        peer = NotifierPeer(notifier_pb2_grpc.NotifierServiceStub(opened))

        def wake():
            woken.append(None)

        recording = Recording(database, SecretBox([KEY]), ContactRefs([KEY]), wake)
        thresholds = ThresholdCopy(database, peer, wake)
        yield House(url, notifier, recording, Measuring(database, 24), thresholds, woken)


async def test_a_change_is_followed_by_a_running_service(new_database):
    notifier = FakeNotifier()
    notifier.configure("l", failures=1)
    async with (
        answering(notifier) as address,
        an_ingestion(new_database("ingestion"), address) as ingestion,
    ):
        await eventually(lambda: notifier.changes_asked_since)
        await record(ingestion, a_failure("l"))
        (told,) = await eventually(lambda: notifier.failing("l"))
    assert (told.failure_threshold, told.failure_count) == (1, 1)


async def test_all_pages_are_read_and_each_location_has_its_own(house):
    house.notifier.page_size = 2
    for number in range(1, 6):
        house.notifier.configure(f"l{number}", failures=number, hours=number, enabled=number > 1)
        await house.fail(f"l{number}", 1, status=Status.SUCCESS)
    await house.thresholds.refresh()

    found = [await house.threshold(f"l{number}") for number in range(1, 6)]
    assert [each.failure_threshold for each in found] == [1, 2, 3, 4, 5]
    assert [each.time_window_hours for each in found] == [1, 2, 3, 4, 5]
    assert [each.alerts_enabled for each in found] == [False, True, True, True, True]


async def test_later_only_what_changed_is_asked_for_with_an_overlap(house):
    house.notifier.configure("a")
    before = datetime.now(UTC)
    await house.thresholds.refresh()
    await house.thresholds.refresh()
    first, second = house.notifier.changes_asked_since
    assert first is None
    assert before - timedelta(seconds=12) < second < before - timedelta(seconds=9)


async def test_a_change_that_was_committed_late_is_not_missed(house):
    house.notifier.configure("a")
    await house.thresholds.refresh()
    house.notifier.configure("late", failures=9, changed_ago=timedelta(seconds=8))
    await house.fail("late", 1)
    await house.thresholds.refresh()
    assert (await house.threshold("late")).failure_threshold == 9


async def test_the_last_known_thresholds_hold_while_the_notifier_is_away(house):
    house.notifier.configure("l", failures=7)
    await house.thresholds.refresh()
    await house.fail("l", 1)
    house.notifier.away = True
    with pytest.raises(NotifierUnavailable):
        await house.thresholds.refresh()
    assert (await house.threshold("l")).failure_threshold == 7


async def test_the_defaults_are_the_notifiers(house):
    await house.fail("l", 2)
    house.notifier.defaults = {"failures": 2, "hours": 5}
    await house.thresholds.refresh()
    found = await house.threshold("l")
    assert (found.failure_threshold, found.time_window_hours) == (2, 5)
    assert house.told() == [("workflow_failing", "wf", 2)]


async def test_a_workflow_with_a_threshold_of_its_own_follows_it_and_the_others_do_not(house):
    house.notifier.configure("l", failures=5, hours=12)
    house.notifier.configure("l", "strict", failures=1, hours=48)
    house.notifier.configure("other", "wf", failures=9)
    await house.fail("l", 1, "strict")
    await house.fail("l", 1)
    await house.thresholds.refresh()

    strict, usual = await house.threshold("l", "strict"), await house.threshold("l")
    assert (strict.failure_threshold, strict.time_window_hours) == (1, 48)
    assert (usual.failure_threshold, usual.time_window_hours) == (5, 12)
    assert house.told() == [("workflow_failing", "strict", 1)]
    await house.fail("l", 4)
    assert house.told()[1:] == [("workflow_failing", "wf", 5)]


async def test_a_change_of_the_location_leaves_its_workflows_thresholds_alone(house):
    house.notifier.configure("l", "own", failures=9)
    await house.fail("l", 2, "own")
    await house.fail("l", 2)
    await house.thresholds.refresh()
    house.notifier.configure("l", failures=2)
    await house.thresholds.refresh()

    assert house.told() == [("workflow_failing", "wf", 2)]


async def test_a_lowered_threshold_tells_of_workflows_that_are_over_it_now(house):
    await house.fail("l", 2)
    await house.fail("l", 1, "once")
    await house.fail("other", 2)
    house.notifier.configure("l", failures=2)
    await house.thresholds.refresh()
    await house.thresholds.refresh()

    assert house.told() == [("workflow_failing", "wf", 2)]
    assert len(house.woken) == 1
    await house.fail("l", 1)
    assert house.told() == [("workflow_failing", "wf", 3)]


async def test_a_workflow_that_succeeded_since_is_not_told_of(house):
    await house.fail("l", 2)
    await house.fail("l", 1, status=Status.SUCCESS)
    house.notifier.configure("l", failures=1)
    await house.thresholds.refresh()
    assert house.told() == []


async def test_a_raised_threshold_is_silent_and_the_next_success_still_closes(house):
    await house.fail("l", 3)
    house.notifier.configure("l", failures=5)
    await house.thresholds.refresh()
    await house.fail("l", 1)
    assert house.told() == [("workflow_failing", "wf", 3)]
    await house.fail("l", 1, status=Status.SUCCESS)
    assert house.told()[1:] == [("workflow_recovered", "wf", None)]


async def test_a_wider_window_counts_what_was_too_old(house):
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    old = Report(location_id="l", workflow_id="wf", status=Status.FAILED, executed_at=two_days_ago)
    await house.recording.record([old] * 3)
    assert house.told() == []
    house.notifier.configure("l", hours=72)
    await house.thresholds.refresh()
    assert house.told() == [("workflow_failing", "wf", 3)]


async def test_failures_are_told_of_while_alerts_are_switched_off(house):
    house.notifier.configure("l", enabled=False)
    await house.thresholds.refresh()
    await house.fail("l", 3)
    assert house.told() == [("workflow_failing", "wf", 3)]


async def test_a_change_waits_for_the_batch_that_is_being_recorded(house):
    """A batch counted against the old threshold, and its workflow is not seen yet."""
    async with await psycopg.AsyncConnection.connect(house.url) as batch:
        await batch.execute(
            "INSERT INTO workflows (location_id, workflow_id, name, first_seen_at,"
            " last_execution_at, untold_failures)"
            " VALUES ('l', 'wf', '', now(), now(), 1)"
        )
        await batch.execute(
            "INSERT INTO execution_logs SELECT %s, now(), now(), null, false, false,"
            " 'l', 'wf', 'failed', 'grpc', '', '', '', '', '', '', ''",
            [new_id()],
        )
        await batch.execute(
            "INSERT INTO hourly_rollups SELECT 'l', 'wf', date_trunc('hour', now()),"
            " 0, 1, 0, 0, 0, 0, 0, now(), now(), now(), now()"
        )
        house.notifier.configure("l", failures=1)
        change = asyncio.create_task(house.thresholds.refresh())
        await eventually(lambda: waiting_for_locks(house.url))
        await batch.commit()
    await change
    assert house.told() == [("workflow_failing", "wf", 1)]


async def test_a_batch_that_is_stuck_holds_up_the_change_and_not_the_others(house):
    await house.fail("l", 1, workflow="stuck")
    house.notifier.configure("l", failures=1)
    async with await psycopg.AsyncConnection.connect(house.url) as stuck:
        await stuck.execute("UPDATE workflows SET name = name WHERE workflow_id = 'stuck'")
        with pytest.raises(problems.OutOfTime):
            await asyncio.gather(house.thresholds.refresh(), house.fail("l", 1))
        await house.fail("l", 1)
    assert (await house.threshold("l")).failure_threshold != 1
    await house.thresholds.refresh()
    assert house.told() == [("workflow_failing", "stuck", 1), ("workflow_failing", "wf", 2)]
