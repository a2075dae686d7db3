from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import NotFound
from libs.rpc.times import timestamp
from tests.gateway.rest.well import GAP

AT = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
FAILED = pb.Execution(
    execution_id="0198c1f2-7d3a-7c54-9d0e-2f4b6a8c0e12",
    location_id="loc-1",
    workflow_id="wf-1",
    workflow_name="Welcome",
    status=pb.EXECUTION_STATUS_FAILED,
    failed_action_id="step-4",
    failed_action_name="Send SMS",
    error_message="21211: Invalid number",
    execution_time_ms=1200,
    executed_at=timestamp(AT),
    received_at=timestamp(AT),
    source=pb.EXECUTION_SOURCE_WEBHOOK,
    error_class="SMS_SENDER",
)


class WorkflowNotFound(NotFound):
    """There is no such workflow in this location."""

    reason = "WORKFLOW_NOT_FOUND"


async def test_history_is_told_with_the_names_of_the_columns(street, client, location_id):
    street.ingestion.answers(
        "ListExecutions", pb.ListExecutionsResponse(executions=[FAILED], next_page_token="more")
    )

    answer = await client.get("/api/workflows/wf-1/executions", limit="1")

    assert answer.status == 200
    assert answer.body["next_page_token"] == "more"
    (item,) = answer.body["items"]
    assert item["id"] == FAILED.execution_id
    assert (item["workflow_id"], item["location_id"]) == ("wf-1", "loc-1")
    assert (item["status"], item["source"]) == ("failed", "webhook")
    assert (item["failed_action_id"], item["failed_action_name"]) == ("step-4", "Send SMS")
    assert item["error_message"] == "21211: Invalid number"
    assert item["execution_time_ms"] == 1200
    assert item["executed_at"] == "2026-03-01T09:30:15.250000Z"
    assert item["run_id"] is None
    asked = street.ingestion.last("ListExecutions")
    assert (asked.location_id, asked.workflow_id, asked.page_size) == (location_id, "wf-1", 1)


async def test_what_is_absent_is_null_and_zero_is_zero(street, client):
    bare = pb.Execution(
        execution_id="e", location_id="l", workflow_id="w", status=pb.EXECUTION_STATUS_SUCCESS,
        executed_at=timestamp(AT), execution_time_ms=0,
    )  # fmt: skip
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse(executions=[bare]))

    answer = await client.get("/api/workflows/w/executions")

    (item,) = answer.body["items"]
    assert item["execution_time_ms"] == 0
    assert item["error_message"] is item["failed_action_id"] is item["received_at"] is None
    assert answer.body["next_page_token"] is None


async def test_history_can_be_filtered_and_paged(street, client):
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse())

    await client.get(
        "/api/workflows/wf-1/executions",
        page_token="here",
        status=["failed", "partial"],
        executed_from="2026-03-01T10:00:00+01:00",
        executed_before="2026-03-02T00:00:00Z",
    )

    asked = street.ingestion.last("ListExecutions")
    assert asked.page_token == "here"
    assert list(asked.statuses) == [pb.EXECUTION_STATUS_FAILED, pb.EXECUTION_STATUS_PARTIAL]
    assert asked.executed_from.ToDatetime(UTC) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert asked.executed_before.ToDatetime(UTC) == datetime(2026, 3, 2, tzinfo=UTC)


async def test_history_can_be_searched(street, client):
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse())
    wanted = {
        "failed_action_id": "step-4",
        "failed_action_name": "Send SMS",
        "error_class": "SMS_SENDER",
        "error_fingerprint": "0123456789abcdef",
        "error_text": "100 %",
    }
    assert (await client.get("/api/executions", **wanted)).status == 200
    asked = street.ingestion.last("ListExecutions")
    assert {name: getattr(asked, name) for name in wanted} == wanted


async def test_one_execution(street, client, location_id):
    street.ingestion.answers("GetExecution", pb.GetExecutionResponse(execution=FAILED))
    answer = await client.get(f"/api/executions/{FAILED.execution_id}")
    assert (answer.status, answer.body["id"]) == (200, FAILED.execution_id)
    asked = street.ingestion.last("GetExecution")
    assert (asked.location_id, asked.execution_id) == (location_id, FAILED.execution_id)


async def test_the_numbers_of_several_workflows(street, client):
    metrics = pb.WorkflowMetrics(
        workflow_id="b", location_id="l", current=pb.RunCounts(total=2), previous=pb.RunCounts(),
        window_start=timestamp(AT), window_end=timestamp(AT + timedelta(hours=2)),
        failure_trend=pb.FAILURE_TREND_STABLE,
    )  # fmt: skip
    street.ingestion.answers(
        "BatchGetWorkflowMetrics", pb.BatchGetWorkflowMetricsResponse(metrics=[metrics])
    )
    answer = await client.get("/api/workflows/metrics", workflow_id=["a", "b"], hours="2")
    (item,) = answer.body["items"]
    assert (item["workflow_id"], item["total_executions"], item["window"]["hours"]) == ("b", 2, 2)
    asked = street.ingestion.last("BatchGetWorkflowMetrics")
    assert list(asked.workflow_ids) == ["a", "b"]
    assert asked.window.ToTimedelta() == timedelta(hours=2)


async def test_the_history_of_all_workflows_of_a_location(street, client, location_id):
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse(executions=[FAILED]))

    answer = await client.get("/api/executions")

    assert [each["workflow_id"] for each in answer.body["items"]] == ["wf-1"]
    asked = street.ingestion.last("ListExecutions")
    assert (asked.location_id, asked.workflow_id) == (location_id, "")


@pytest.mark.parametrize(("query", "hours"), [({}, 24), ({"hours": "2"}, 2)])
async def test_failures_within_the_last_hours(street, client, query, hours):
    street.ingestion.answers(
        "ListRecentFailures", pb.ListRecentFailuresResponse(executions=[FAILED])
    )

    answer = await client.get("/api/workflows/wf-1/failures", **query)

    assert [each["status"] for each in answer.body["items"]] == ["failed"]
    asked = street.ingestion.last("ListRecentFailures")
    assert (asked.workflow_id, asked.window.ToTimedelta()) == ("wf-1", timedelta(hours=hours))


async def test_an_unknown_workflow_is_told_with_where_to_look(street, client):
    street.ingestion.answers("ListRecentFailures", WorkflowNotFound(workflow_id="wf-9"))

    answer = await client.get("/api/workflows/wf-9/failures")

    assert (answer.status, answer.body["reason"]) == (404, "WORKFLOW_NOT_FOUND")
    assert answer.body["detail"] == "There is no such workflow in this location."
    assert "/api/workflows" in answer.body["hint"]


async def test_metrics_have_the_fixed_names_and_the_window_before(street, client):
    street.ingestion.answers(
        "GetWorkflowMetrics",
        pb.GetWorkflowMetricsResponse(
            metrics=pb.WorkflowMetrics(
                location_id="loc-1",
                workflow_id="wf-1",
                workflow_name="Welcome",
                window_start=timestamp(AT - timedelta(hours=720)),
                window_end=timestamp(AT),
                current=pb.RunCounts(
                    total=40, succeeded=28, failed=10, partial=2, expected=3,
                    failure_rate=0.25, average_execution_time_ms=812.5,
                    p50_execution_time_ms=700, p95_execution_time_ms=1500,
                ),
                previous=pb.RunCounts(),
                failure_trend=pb.FAILURE_TREND_STABLE,
                failure_trend_reason="insufficient_data",
                last_failure_at=timestamp(AT),
            )
        ),
    )  # fmt: skip

    answer = await client.get("/api/workflows/wf-1/metrics")

    assert answer.status == 200
    assert answer.body == {
        "location_id": "loc-1",
        "workflow_id": "wf-1",
        "workflow_name": "Welcome",
        "total_executions": 40,
        "succeeded_executions": 28,
        "failed_executions": 10,
        "partial_executions": 2,
        "expected_executions": 3,
        "failure_rate": 0.25,
        "avg_execution_time": 812.5,
        "p50_execution_time": 700.0,
        "p95_execution_time": 1500.0,
        "p99_execution_time": None,
        "failure_trend": "stable",
        "failure_trend_reason": "insufficient_data",
        "last_failure": "2026-03-01T09:30:15.250000Z",
        "last_execution": None,
        "window": {
            "hours": 720.0,
            "start": "2026-01-30T09:30:15.250000Z",
            "end": "2026-03-01T09:30:15.250000Z",
        },
        "previous": {
            "total_executions": 0,
            "succeeded_executions": 0,
            "failed_executions": 0,
            "partial_executions": 0,
            "expected_executions": 0,
            "failure_rate": None,
            "avg_execution_time": None,
            "p50_execution_time": None,
            "p95_execution_time": None,
            "p99_execution_time": None,
        },
        "top_errors": [],
        "top_failing_steps": [],
        "gaps": [],
    }
    asked = street.ingestion.last("GetWorkflowMetrics")
    assert (asked.window.ToTimedelta(), asked.top) == (timedelta(hours=720), 0)


async def test_metrics_come_with_what_failed_most_and_what_may_be_missing(street, client):
    group = pb.ErrorGroup(
        error_class="AUTH", count=3, first_seen_at=timestamp(AT), last_seen_at=timestamp(AT)
    )
    step = pb.FailingStep(
        failed_action_name="Mail", count=2, first_seen_at=timestamp(AT), last_seen_at=timestamp(AT)
    )
    window = {"window_start": timestamp(AT), "window_end": timestamp(AT)}
    numbers = pb.WorkflowMetrics(**window, current=pb.RunCounts(), previous=pb.RunCounts())
    street.ingestion.answers(
        "GetWorkflowMetrics",
        pb.GetWorkflowMetricsResponse(
            metrics=numbers, top_errors=[group], top_failing_steps=[step], recording_gaps=[GAP]
        ),
    )

    answer = await client.get("/api/workflows/wf-1/metrics", top="5")

    assert street.ingestion.last("GetWorkflowMetrics").top == 5
    assert [each["error_class"] for each in answer.body["top_errors"]] == ["AUTH"]
    assert [each["count"] for each in answer.body["top_failing_steps"]] == [2]
    (gap,) = answer.body["gaps"]
    assert (gap["gap_id"], gap["end"], gap["seconds"]) == ("g-1", "2026-03-02T12:30:00Z", 900.0)


async def test_whether_it_would_alert_now(street, client):
    street.ingestion.answers(
        "CheckAlertThreshold",
        pb.CheckAlertThresholdResponse(
            exceeded=True, failure_count=3, failure_threshold=2, time_window_hours=24,
            last_failure_at=timestamp(AT), alerts_enabled=True,
        ),
    )  # fmt: skip

    answer = await client.get("/api/workflows/wf-1/alert-threshold", failure_threshold="2")

    assert answer.body["exceeded"] is True
    assert (answer.body["failure_count"], answer.body["failure_threshold"]) == (3, 2)
    asked = street.ingestion.last("CheckAlertThreshold")
    assert asked.failure_threshold == 2
    assert not asked.HasField("time_window_hours")


async def test_the_workflows_of_a_location(street, client):
    street.ingestion.answers(
        "ListWorkflows",
        pb.ListWorkflowsResponse(
            workflows=[
                pb.Workflow(
                    location_id="loc-1", workflow_id="wf-1", failing=True,
                    last_failure_at=timestamp(AT),
                    last_24_hours=pb.RunCounts(total=4, failed=1, failure_rate=0.25),
                ),
                pb.Workflow(
                    location_id="loc-1", workflow_id="wf-2", name="Renewal",
                    last_execution_at=timestamp(AT), last_status=pb.EXECUTION_STATUS_SUCCESS,
                ),
            ]
        ),
    )  # fmt: skip

    answer = await client.get("/api/workflows")

    first, second = answer.body["items"]
    assert (first["workflow_id"], first["name"], first["failing"]) == ("wf-1", None, True)
    assert first["last_status"] is first["last_execution_at"] is None
    assert first["last_failure"] == "2026-03-01T09:30:15.250000Z"
    assert first["last_24_hours"]["failure_rate"] == 0.25
    assert second["last_24_hours"] is second["last_failure"] is None
    assert (second["name"], second["last_status"]) == ("Renewal", "success")
