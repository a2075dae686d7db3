"""Why workflows fail, when runs happened, and what a threshold would have done."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOLD = "2026-03-01T09:00:00Z"
WINDOW = {"window_start": timestamp(AT - timedelta(hours=2)), "window_end": timestamp(AT)}
SHOWN = {"hours": 2.0, "start": "2026-03-01T07:00:00Z", "end": TOLD}


@pytest.fixture
def analysed(street):
    for name, answer in {
        "ListErrorGroups": pb.ListErrorGroupsResponse(
            groups=[
                pb.ErrorGroup(
                    error_class="AUTH",
                    error_fingerprint="f",
                    sample_message="401",
                    count=3,
                    first_seen_at=timestamp(AT),
                    last_seen_at=timestamp(AT),
                    buckets=[pb.CountBucket(start=timestamp(AT), count=3)],
                    workflow_count=1,
                    contact_count=3,
                    workflow_ids=["wf-1"],
                    execution_ids=["e"],
                )
            ],
            group_count=7,
            bucket=pb.BUCKET_HOUR,
            **WINDOW,
        ),
        "ListFailingSteps": pb.ListFailingStepsResponse(
            steps=[
                pb.FailingStep(
                    workflow_id="wf-1",
                    failed_action_name="SMS",
                    count=2,
                    previous_count=1,
                    first_seen_at=timestamp(AT),
                    last_seen_at=timestamp(AT),
                )
            ],
            step_count=1,
            **WINDOW,
        ),
        "GetExecutionTimeline": pb.GetExecutionTimelineResponse(
            buckets=[pb.TimelineBucket(start=timestamp(AT), succeeded=5, failed=1)],
            bucket=pb.BUCKET_DAY,
            current=pb.RunCounts(total=6, succeeded=5, failed=1, failure_rate=1 / 6),
            previous=pb.RunCounts(),
            **WINDOW,
        ),
        "BacktestThreshold": pb.BacktestThresholdResponse(
            alert_count=1,
            alerts=[pb.BacktestAlert(opened_at=timestamp(AT), failure_count=3)],
            failure_count=4,
            failure_threshold=3,
            time_window_hours=24,
            **WINDOW,
        ),
    }.items():
        street.ingestion.answers(name, answer)
    return street.ingestion  # fmt: skip


@pytest.mark.parametrize(
    ("path", "workflow_id"), [("/api/errors", ""), ("/api/workflows/wf-1/errors", "wf-1")]
)
async def test_kinds_of_errors(analysed, client, location_id, path, workflow_id):
    answer = await client.get(path, hours="2", bucket="hour", limit="5")

    assert answer.body["window"] == SHOWN
    assert (answer.body["group_count"], answer.body["bucket"]) == (7, "hour")
    (item,) = answer.body["items"]
    assert item == {
        "error_class": "AUTH",
        "error_fingerprint": "f",
        "sample_message": "401",
        "failed_action_name": None,
        "count": 3,
        "previous_count": 0,
        "first_seen": TOLD,
        "last_seen": TOLD,
        "buckets": [{"start": TOLD, "count": 3}],
        "workflow_count": 1,
        "contact_count": 3,
        "workflow_ids": ["wf-1"],
        "execution_ids": ["e"],
        "expected": False,
    }
    asked = analysed.last("ListErrorGroups")
    assert (asked.location_id, asked.workflow_id) == (location_id, workflow_id)
    assert (asked.window.ToTimedelta(), asked.page_size) == (timedelta(hours=2), 5)
    assert asked.bucket == pb.BUCKET_HOUR


@pytest.mark.parametrize(
    ("path", "workflow_id"),
    [("/api/failing-steps", ""), ("/api/workflows/wf-1/failing-steps", "wf-1")],
)
async def test_failing_steps(analysed, client, path, workflow_id):
    answer = await client.get(path)

    assert answer.body == {
        "window": SHOWN,
        "step_count": 1,
        "items": [
            {
                "workflow_id": "wf-1",
                "failed_action_id": None,
                "failed_action_name": "SMS",
                "count": 2,
                "previous_count": 1,
                "first_seen": TOLD,
                "last_seen": TOLD,
                "error_class": None,
            }
        ],
    }
    asked = analysed.last("ListFailingSteps")
    assert (asked.workflow_id, asked.window.ToTimedelta()) == (workflow_id, timedelta(days=7))


@pytest.mark.parametrize(
    ("path", "workflow_id"), [("/api/timeline", ""), ("/api/workflows/wf-1/timeline", "wf-1")]
)
async def test_the_timeline(analysed, client, path, workflow_id):
    answer = await client.get(path)

    assert answer.body["items"] == [{"start": TOLD, "succeeded": 5, "failed": 1, "partial": 0}]
    assert (answer.body["bucket"], answer.body["window"]) == ("day", SHOWN)
    assert answer.body["current"]["total_executions"] == 6
    assert answer.body["previous"]["failure_rate"] is None
    asked = analysed.last("GetExecutionTimeline")
    assert (asked.workflow_id, asked.window.ToTimedelta()) == (workflow_id, timedelta(hours=24))
    assert asked.bucket == pb.BUCKET_UNSPECIFIED


async def test_what_a_threshold_would_have_done(analysed, client):
    answer = await client.get(
        "/api/workflows/wf-1/alert-threshold/backtest", failure_threshold="2", days="7"
    )

    assert answer.body == {
        "window": SHOWN,
        "alert_count": 1,
        "items": [{"opened_at": TOLD, "recovered_at": None, "failure_count": 3}],
        "failure_count": 4,
        "failure_threshold": 3,
        "time_window_hours": 24,
    }
    asked = analysed.last("BacktestThreshold")
    assert (asked.workflow_id, asked.failure_threshold) == ("wf-1", 2)
    assert asked.window.ToTimedelta() == timedelta(days=7)
    assert not asked.HasField("time_window_hours")


@pytest.mark.parametrize("path", ["/api/errors", "/api/timeline"])
async def test_an_unknown_bucket_is_refused(analysed, client, path):
    answer = await client.get(path, bucket="minute")
    assert (answer.status, answer.body["reason"]) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("days", ["0", "91"])
async def test_a_time_too_far_back_is_refused_by_its_name(street, client, days):
    answer = await client.get("/api/workflows/wf-1/alert-threshold/backtest", days=days)
    assert answer.status == 400
    assert [each["field"] for each in answer.body["errors"]] == ["days"]
    assert not street.ingestion.asked
