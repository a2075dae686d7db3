"""Numbers from gRPC, from REST and from a plain recount are the same, whatever happened."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.client import channel
from libs.rpc.times import duration, timestamp
from libs.settings import PeerSettings
from services.ingestion.domain.trend import RunCounts, trend
from tests.support.database_clock import set_clock
from tests.support.programs import standalone

NOW = datetime(2026, 3, 10, 12, 20, 30, tzinfo=UTC)
HOURS = 48
WINDOW = timedelta(hours=HOURS)
STATUSES = {
    "success": pb.EXECUTION_STATUS_SUCCESS,
    "failed": pb.EXECUTION_STATUS_FAILED,
    "partial": pb.EXECUTION_STATUS_PARTIAL,
}
MESSAGES = {"": "", "unsubscribed": "EXPECTED", "30007: filtered": "SMS_FILTERED", "odd": "OTHER"}
runs = st.lists(
    st.builds(
        dict,
        workflow_id=st.sampled_from(["wf-1", "wf-2"]),
        status=st.sampled_from(sorted(STATUSES)),
        age=st.integers(0, 5 * 24 * 3600),
        ms=st.none() | st.integers(0, 100_000),
        message=st.sampled_from(sorted(MESSAGES)),
        step=st.sampled_from(["", "Send SMS", "If/Else"]),
    ),
    min_size=1,
    max_size=60,
)
_serial = iter(range(10_000))


@pytest.fixture
async def asked(data, database_urls, databases_given):
    """A running program whose clock stands still: ingestion's stub, and REST."""
    set_clock(database_urls["ingestion"], NOW)
    service = pb.DESCRIPTOR.services_by_name["IngestionService"]
    async with (
        standalone(data, **databases_given) as program,
        program.http() as http,
        channel(program.runtime["ingestion"], service, PeerSettings(_env_file=None)) as opened,
    ):
        yield rpc.IngestionServiceStub(opened), http


async def record(stub, location, some):
    items = [
        pb.RecordItem(
            execution=pb.Execution(
                location_id=location,
                workflow_id=run["workflow_id"],
                status=STATUSES[run["status"]],
                executed_at=timestamp(NOW - timedelta(seconds=run["age"])),
                execution_time_ms=run["ms"],
                error_message="" if run["status"] == "success" else run["message"],
                failed_action_name="" if run["status"] == "success" else run["step"],
            )
        )
        for run in some
    ]
    await stub.RecordExecutions(pb.RecordExecutionsRequest(items=items), timeout=10)


def within(some, start, end):
    """The runs that ended from `start` hours ago up to `end` hours ago; now is included."""
    oldest, newest = start * 3600, end * 3600
    return [run for run in some if newest < run["age"] <= oldest or run["age"] == newest == 0]


def recount(some):
    """What anyone would count by hand."""
    statuses = Counter(run["status"] for run in some)
    times = [run["ms"] for run in some if run["ms"] is not None]
    return {
        "total": len(some),
        "succeeded": statuses["success"],
        "failed": statuses["failed"],
        "partial": statuses["partial"],
        "failure_rate": statuses["failed"] / len(some) if some else None,
        "average": fmean(times) if times else None,
    }


def of_grpc(counts):
    def given_(name):
        return getattr(counts, name) if counts.HasField(name) else None

    return {
        **{name: getattr(counts, name) for name in ("total", "succeeded", "failed", "partial")},
        "failure_rate": given_("failure_rate"),
        "average": given_("average_execution_time_ms"),
    }


def of_rest(numbers):
    counted = ("total", "succeeded", "failed", "partial")
    return {
        **{name: numbers[f"{name}_executions"] for name in counted},
        "failure_rate": numbers["failure_rate"],
        "average": numbers["avg_execution_time"],
    }


def expected(run):
    return run["status"] == "failed" and MESSAGES[run["message"]] == "EXPECTED"


async def get(http, path, location, **query):
    async with http.get(path, params={"location_id": location, **query}) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def check_metrics(stub, http, location, workflow_id, some):
    current, previous = within(some, HOURS, 0), within(some, 2 * HOURS, HOURS)
    request = pb.GetWorkflowMetricsRequest(
        location_id=location, workflow_id=workflow_id, window=duration(WINDOW)
    )
    grpc = (await stub.GetWorkflowMetrics(request, timeout=5)).metrics
    rest = await get(http, f"/api/workflows/{workflow_id}/metrics", location, hours=str(HOURS))

    assert of_grpc(grpc.current) == of_rest(rest) == recount(current)
    assert of_grpc(grpc.previous) == of_rest(rest["previous"]) == recount(previous)
    assert grpc.current.expected == sum(expected(run) for run in current)
    counts = [
        RunCounts(each["succeeded"], each["failed"], each["partial"])
        for each in (recount(current), recount(previous))
    ]
    direction = trend(*counts)
    assert (rest["failure_trend"], rest["failure_trend_reason"]) == (
        direction.direction,
        direction.reason,
    )
    last = min((run["age"] for run in some if run["status"] == "failed"), default=None)
    moment = None if last is None else NOW - timedelta(seconds=last)
    shown = rest["last_failure"] and datetime.fromisoformat(rest["last_failure"])
    assert shown == moment
    times = sorted(run["ms"] for run in current if run["ms"] is not None)
    if times:
        middle = times[(len(times) + 1) // 2 - 1]
        assert rest["p50_execution_time"] == pytest.approx(middle, rel=0.05)


async def check_the_rest(stub, http, location, some):
    current = within(some, HOURS, 0)
    timeline = await get(http, "/api/timeline", location, hours=str(HOURS), bucket="hour")
    counted = Counter()
    for bucket in timeline["items"]:
        for name in ("succeeded", "failed", "partial"):
            counted[name] += bucket[name]
    whole = recount(current)
    assert dict(counted) == {name: whole[name] for name in ("succeeded", "failed", "partial")}

    errors = await get(http, "/api/errors", location, hours=str(HOURS))
    erring = [
        run
        for run in current
        if run["status"] == "failed" or (run["status"] == "partial" and run["message"])
    ]
    assert sum(each["count"] for each in errors["items"]) == len(erring)
    by_class = Counter(MESSAGES[run["message"]] or None for run in erring)
    found = Counter()
    for each in errors["items"]:
        found[each["error_class"]] += each["count"]
    assert found == by_class

    listed = await get(http, "/api/executions", location, limit="500")
    assert len(listed["items"]) == len(some)
    failures = {
        run["workflow_id"]: [
            each
            for each in within(some, 24, 0)
            if each["workflow_id"] == run["workflow_id"]
            and each["status"] == "failed"
            and not expected(each)
        ]
        for run in some
    }
    for workflow_id, counted_ in failures.items():
        path = f"/api/workflows/{workflow_id}/alert-threshold"
        threshold = await get(http, path, location)
        request = pb.CheckAlertThresholdRequest(location_id=location, workflow_id=workflow_id)
        checked = await stub.CheckAlertThreshold(request, timeout=5)
        assert threshold["failure_count"] == checked.failure_count
        exactly_a_day = [run for run in counted_ if run["age"] == 24 * 3600]
        assert threshold["failure_count"] == len(counted_) - len(exactly_a_day)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=runs)
async def test_all_ways_count_the_same(asked, some):
    stub, http = asked
    location = f"law-{next(_serial)}"
    await record(stub, location, some)
    for workflow_id in sorted({run["workflow_id"] for run in some}):
        own = [run for run in some if run["workflow_id"] == workflow_id]
        await check_metrics(stub, http, location, workflow_id, own)
    await check_the_rest(stub, http, location, some)
