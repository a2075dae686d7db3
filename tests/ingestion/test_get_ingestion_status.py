"""How ingestion itself is."""

from datetime import UTC, timedelta

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.ingestion.builders import a_failure, an_execution, an_ingestion, record
from tests.ingestion.fake_notifier import FakeNotifier, answering
from tests.support.waiting import eventually


async def status(ingestion):
    return await ingestion.GetIngestionStatus(pb.GetIngestionStatusRequest(), timeout=5)


async def test_at_first_nothing_waits(new_database, notifier_address):
    async with an_ingestion(new_database("ingestion"), notifier_address) as ingestion:
        found = await status(ingestion)
    assert (found.outbox_count, found.dead_letter_count, found.open_run_count) == (0, 0, 0)
    assert not found.HasField("outbox_oldest_age")
    assert not found.HasField("last_recorded_at")


async def test_it_says_when_it_recorded_last_and_how_far_the_log_reaches(stopped_clock):
    recorded_at = stopped_clock.now
    await record(stopped_clock.ingestion, an_execution("l"))
    stopped_clock.move(seconds=90)
    found = await status(stopped_clock.ingestion)
    assert found.last_recorded_at.ToDatetime(UTC) == recorded_at
    assert found.partitions_until.ToDatetime(UTC) > stopped_clock.now + timedelta(weeks=3)


async def test_what_the_notifier_was_not_told_is_counted_with_its_age(new_database):
    async with an_ingestion(new_database("ingestion")) as ingestion:  # its notifier is away
        await record(ingestion, *[a_failure("l", "a")] * 3, *[a_failure("l", "b")] * 3)
        found = await status(ingestion)
    assert found.outbox_count == 2
    assert timedelta() <= found.outbox_oldest_age.ToTimedelta() < timedelta(minutes=1)


async def test_what_the_notifier_refuses_for_good_is_a_dead_letter(new_database):
    notifier = FakeNotifier()
    notifier.refused_workflows.add("wf")
    async with (
        answering(notifier) as address,
        an_ingestion(new_database("ingestion"), address) as ingestion,
    ):
        await record(ingestion, *[a_failure("l")] * 3)

        async def refused():
            return (await status(ingestion)).dead_letter_count == 1

        await eventually(refused)


async def test_open_runs_and_unread_deliveries_are_counted(new_database, notifier_address):
    async with an_ingestion(new_database("ingestion"), notifier_address) as ingestion:
        started = pb.EXECUTION_STATUS_STARTED
        await record(
            ingestion, *[an_execution("l", status=started, run_id=each) for each in ("a", "b")]
        )
        unread = pb.UnreadDelivery(location_id="l", workflow_id="wf", reason="STATUS_MISSING")
        request = pb.RecordExecutionsRequest(items=[pb.RecordItem(unread=unread)])
        await ingestion.RecordExecutions(request, timeout=5)
        found = await status(ingestion)
    assert (found.open_run_count, found.quarantined_count) == (2, 1)
