import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access import Scope
from gateway.rest.health import KEPT_FOR
from libs.clock import FixedClock
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import Unavailable
from libs.rpc.times import duration, timestamp
from tests.gateway.rest.fakes import street as running_street
from tests.gateway.rest.serving import served

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
Status = pb.GetSchedulerStatusResponse
Deliveries = notifier_pb2.GetNotifierStatusResponse


@pytest.fixture
def scheduler(street):
    street.scheduler.answers("GetSchedulerStatus", Status(state=Status.STATE_OK))
    street.notifier.answers("GetNotifierStatus", Deliveries(state=Deliveries.STATE_OK))
    return street.scheduler


@pytest.fixture
async def own(new_database):
    """A gateway and a street that a test may break, and the gateway's clock."""
    clock = FixedClock(AT)
    async with (
        running_street() as street,
        served(street, new_database("gateway"), clock=clock) as gateway,
    ):
        street.scheduler.answers("GetSchedulerStatus", Status(state=Status.STATE_OK))
        street.notifier.answers("GetNotifierStatus", Deliveries(state=Deliveries.STATE_OK))
        yield gateway, street, clock


async def test_alive_needs_no_key_and_asks_nobody(gateway, street):
    answer = await gateway.stranger.get("/health")

    assert (answer.status, answer.body) == (200, {"status": "pass"})
    assert not street.scheduler.asked


async def test_ready_needs_no_key_and_tells_no_detail(scheduler, gateway):
    answer = await gateway.stranger.get("/health/ready")
    in_short = await gateway.stranger.call("HEAD", "/health/ready")

    assert (answer.status, answer.body) == (200, {"status": "pass"})
    assert (in_short.status, in_short.text) == (200, "")


async def test_not_ready_while_a_service_is_away(own):
    gateway, street, clock = own
    assert (await gateway.stranger.get("/health/ready")).status == 200

    await street.stop("notifier")
    clock.move(KEPT_FOR)
    answer = await gateway.stranger.get("/health/ready")

    assert (answer.status, answer.body["reason"]) == (503, "NOT_READY")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "notifier" not in answer.text


async def test_each_part_says_how_it_is_and_since_when(own):
    gateway, street, clock = own
    reader = await gateway.client(Scope.READ, "loc-1")

    well = (await reader.get("/health/detailed")).body
    clock.move(timedelta(minutes=5))
    await street.stop("ingestion")
    ill = (await reader.get("/health/detailed")).body

    assert well["status"] == "pass"
    names = ["database", "ingestion", "scheduler", "notifier", "deliveries", "clockwork"]
    assert [each["part"] for each in well["parts"]] == names
    assert all(each["latency_ms"] >= 0 for each in well["parts"])
    assert ill["status"] == "fail"
    parts = {each["part"]: each for each in ill["parts"]}
    assert parts["ingestion"]["status"] == "fail"
    assert parts["ingestion"]["since"] == "2026-03-02T12:35:00Z"
    assert parts["ingestion"]["last_error"] == "It does not answer within 1 s."
    assert parts["ingestion"]["last_error_at"] == "2026-03-02T12:35:00Z"
    assert (parts["notifier"]["status"], parts["notifier"]["since"]) == (
        "pass",
        "2026-03-02T12:30:00Z",
    )


@pytest.mark.parametrize(
    ("script", "verdict", "error"),
    [
        (Status(state=Status.STATE_DEGRADED, reason="90 s late"), "warn", "90 s late"),
        (Status(state=Status.STATE_DOWN, reason="no database"), "fail", "no database"),
        (Unavailable("driver text"), "fail", "It answers UNAVAILABLE."),
    ],
)
async def test_a_clockwork_that_is_late_is_no_reason_to_be_unready(own, script, verdict, error):
    gateway, street, _ = own
    street.scheduler.answers("GetSchedulerStatus", script)
    reader = await gateway.client(Scope.READ, "loc-1")

    detailed = (await reader.get("/health/detailed")).body
    ready = await gateway.stranger.get("/health/ready")

    assert detailed["status"] == verdict
    assert detailed["parts"][-1]["last_error"] == error
    assert ready.status == 200


async def test_asking_often_costs_the_services_nothing(own):
    gateway, street, clock = own

    for _ in range(20):
        await gateway.stranger.get("/health/ready")
    assert len(street.scheduler.asked["GetSchedulerStatus"]) == 1
    clock.move(KEPT_FOR)
    await gateway.stranger.get("/health/ready")
    assert len(street.scheduler.asked["GetSchedulerStatus"]) == 2


async def test_the_error_of_the_past_is_kept_after_it_is_over(own):
    gateway, street, clock = own
    reader = await gateway.client(Scope.READ, "loc-1")
    late = Status(state=Status.STATE_DEGRADED, reason="90 s late")

    street.scheduler.answers("GetSchedulerStatus", late)
    await reader.get("/health/detailed")
    clock.move(timedelta(minutes=1))
    street.scheduler.answers("GetSchedulerStatus", Status(state=Status.STATE_OK))
    clockwork = (await reader.get("/health/detailed")).body["parts"][-1]

    assert (clockwork["status"], clockwork["since"]) == ("pass", "2026-03-02T12:31:00Z")
    assert (clockwork["last_error"], clockwork["last_error_at"]) == (
        "90 s late",
        "2026-03-02T12:30:00Z",
    )


async def test_the_schedulers_status(street, reader):
    street.scheduler.answers(
        "GetSchedulerStatus",
        Status(
            state=Status.STATE_DEGRADED,
            reason="The oldest due schedule waits 90 s.",
            database_time=timestamp(AT),
            replicas=[pb.Replica(replica_id="r-1", heartbeat_at=timestamp(AT), skew_ms=-12)],
            due_count=4,
            oldest_due_age=duration(timedelta(seconds=90)),
            last_24_hours=pb.FireCounts(fired=24, late=1),
            enabled_schedules=30,
        ),
    )

    body = (await reader.get("/internal/scheduler-status")).body

    assert (body["state"], body["reason"]) == ("degraded", "The oldest due schedule waits 90 s.")
    assert (body["due_count"], body["oldest_due_age"]) == (4, 90.0)
    assert body["replicas"][0]["skew_ms"] == -12
    assert (body["last_24_hours"]["fired"], body["next_fire_at"]) == (24, None)


async def test_a_scheduler_that_does_not_answer_is_told_within_a_second_or_so(street, reader):
    async def hang(_):
        await asyncio.sleep(60)

    street.scheduler.answers("GetSchedulerStatus", hang)
    began = time.monotonic()

    answer = await reader.get("/internal/scheduler-status")

    assert answer.status >= 500
    assert time.monotonic() - began < 3


async def test_metrics_need_a_key_unless_asked_from_this_machine(gateway, reader):
    local = await gateway.stranger.get("/metrics")
    through_a_proxy = gateway.stranger.with_headers(X_Forwarded_For="203.0.113.9")
    refused = await through_a_proxy.get("/metrics")
    allowed = await reader.with_headers(X_Forwarded_For="203.0.113.9").get("/metrics")

    assert local.status == 200
    assert local.headers["Content-Type"].startswith("text/plain")
    assert "grpc_server_handled_total" in local.text
    assert (refused.status, refused.body["reason"]) == (401, "KEY_MISSING")
    assert allowed.status == 200


async def test_alerts_that_are_late_are_a_warning_and_no_reason_to_be_unready(own):
    gateway, street, _ = own
    late = Deliveries(state=Deliveries.STATE_DEGRADED, reason="1 waits.")
    street.notifier.answers("GetNotifierStatus", late)
    reader = await gateway.client(Scope.READ, "loc-1")

    detailed = (await reader.get("/health/detailed")).body
    ready = await gateway.stranger.get("/health/ready")

    parts = {each["part"]: each for each in detailed["parts"]}
    assert (parts["deliveries"]["status"], parts["deliveries"]["last_error"]) == (
        "warn",
        "1 waits.",
    )
    assert (detailed["status"], ready.status) == ("warn", 200)


async def test_what_waits_anywhere(own):
    gateway, street, _ = own
    street.ingestion.answers(
        "GetIngestionStatus",
        ingestion_pb2.GetIngestionStatusResponse(
            outbox_count=7,
            outbox_oldest_age=duration(timedelta(seconds=2.5)),
            last_recorded_at=timestamp(AT),
            open_run_count=3,
            quarantined_count=1,
            last_recording_gap=ingestion_pb2.RecordingGap(
                gap_id="g-1", start=timestamp(AT - timedelta(minutes=15)), end=timestamp(AT)
            ),
        ),
    )
    street.scheduler.answers(
        "GetSchedulerStatus",
        Status(
            state=Status.STATE_OK,
            due_count=2,
            queued_count=1,
            running_count=4,
            outbox_count=6,
            outbox_oldest_age=duration(timedelta(seconds=1)),
        ),
    )
    street.notifier.answers(
        "GetNotifierStatus",
        Deliveries(state=Deliveries.STATE_OK, due_count=5, failing_targets=1, given_up_count=2),
    )
    reader = await gateway.client(Scope.READ, "loc-1")
    detailed = (await reader.get("/health/detailed")).body

    assert (detailed["status"], detailed["concerns"]) == ("pass", [])
    queues = detailed["queues"]
    assert queues["webhooks"] == 0
    assert queues["ingestion"] == {
        "outbox_events": 7,
        "outbox_oldest_seconds": 2.5,
        "dead_letters": 0,
        "last_recorded_at": "2026-03-02T12:30:00Z",
        "open_runs": 3,
        "quarantined": 1,
        "last_gap": {
            "gap_id": "g-1",
            "start": "2026-03-02T12:15:00Z",
            "end": "2026-03-02T12:30:00Z",
            "seconds": 900.0,
        },
    }
    assert queues["scheduler"] == {
        "outbox_events": 6,
        "outbox_oldest_seconds": 1.0,
        "dead_letters": 0,
        "overdue_scans": 2,
        "oldest_overdue_seconds": None,
        "queued_scans": 1,
        "running_scans": 4,
    }
    assert queues["notifier"] == {
        "due_deliveries": 5,
        "oldest_due_seconds": None,
        "failing_targets": 1,
        "switched_off_targets": 0,
        "given_up_last_24_hours": 2,
    }


@pytest.mark.parametrize(
    ("answer", "concern"),
    [
        ({"outbox_oldest_age": duration(timedelta(minutes=3))}, "notifier waits for 180 s."),
        ({"dead_letter_count": 2}, "refused 2 events"),
    ],
)
@pytest.mark.parametrize("teller", ["ingestion", "scheduler"])
async def test_what_waits_for_too_long_is_a_concern(own, teller, answer, concern):
    gateway, street, _ = own
    if teller == "ingestion":
        told = ingestion_pb2.GetIngestionStatusResponse(**answer)
        street.ingestion.answers("GetIngestionStatus", told)
    else:
        told = Status(state=Status.STATE_OK, **answer)
        street.scheduler.answers("GetSchedulerStatus", told)
    reader = await gateway.client(Scope.READ, "loc-1")
    detailed = (await reader.get("/health/detailed")).body

    assert detailed["status"] == "warn"
    (said,) = detailed["concerns"]
    assert concern in said
    assert teller in said


async def test_what_waits_where_nobody_answers_is_not_known(own):
    gateway, street, _ = own
    await street.stop("ingestion")
    reader = await gateway.client(Scope.READ, "loc-1")
    detailed = (await reader.get("/health/detailed")).body
    assert detailed["queues"]["ingestion"] is None
    assert detailed["queues"]["scheduler"] is not None
