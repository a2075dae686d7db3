"""Executions: what happened, and how often each workflow fails."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.rest import wire
from gateway.rest.models.analyses import MetricsWithErrors
from gateway.rest.models.executions import (
    AlertThreshold,
    Execution,
    ManyMetrics,
    StatusWord,
    WorkflowMetrics,
)
from gateway.rest.models.shapes import Moment, Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadLocation
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api", tags=["Executions"], route_class=KeyedRoute)

Statuses = Annotated[
    list[StatusWord],
    Query(alias="status", default_factory=list, description="Only these; may be repeated."),
]
From = Annotated[Moment | None, Query(description="Only executions at or after this time.")]
Before = Annotated[Moment | None, Query(description="Only executions before this time.")]


def asked_filters(
    *,
    location_id: ReadLocation,
    status: Statuses,
    executed_from: From = None,
    executed_before: Before = None,
    failed_action_id: Annotated[str, Query(description="Only those of this step.")] = "",
    failed_action_name: Annotated[
        str, Query(description="Only those of a step of this name.")
    ] = "",
    error_class: Annotated[str, Query(description="Only errors of this class.")] = "",
    error_fingerprint: Annotated[
        str, Query(description="Only errors of this group, as GET /api/errors lists them.")
    ] = "",
    error_text: Annotated[
        str,
        Query(
            description="Only those with this text in the error message, in upper or lower case. "
            "Looks at 7 days at most: the last ones unless a time is given."
        ),
    ] = "",
    contact_id: Annotated[
        str,
        Query(description="Only those of the contact with this id. Looks at 7 days at most."),
    ] = "",
) -> pb.ListExecutionsRequest:
    """Reads which executions a caller asks for."""
    return pb.ListExecutionsRequest(
        location_id=location_id,
        statuses=[wire.number(pb.ExecutionStatus.DESCRIPTOR, each) for each in status],
        executed_from=wire.timestamp(executed_from),
        executed_before=wire.timestamp(executed_before),
        failed_action_id=failed_action_id,
        failed_action_name=failed_action_name,
        error_class=error_class,
        error_fingerprint=error_fingerprint,
        error_text=error_text,
        contact_id=contact_id,
    )


Filters = Annotated[pb.ListExecutionsRequest, Depends(asked_filters)]


def asked_history(filters: Filters, page: PageAsked) -> pb.ListExecutionsRequest:
    """Reads which page of them."""
    filters.page_size, filters.page_token = page.size, page.token
    return filters


History = Annotated[pb.ListExecutionsRequest, Depends(asked_history)]
Hours = Annotated[int, Query(description="How far to look back, 1 to 2,160 hours (90 days).")]


@router.get("/executions")
async def list_executions(back: Back, history: History) -> Page[Execution]:
    """Lists the executions of all workflows of a location, newest first."""
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListExecutions(history, timeout=back.seconds)
    return page_of(Execution, response.executions, response.next_page_token)


@router.get("/executions/{execution_id}", responses=told(404))
async def get_execution(back: Back, location_id: ReadLocation, execution_id: str) -> Execution:
    """Gets one execution."""
    request = pb.GetExecutionRequest(location_id=location_id, execution_id=execution_id)
    with back.asking("ingestion"):
        response = await back.services.ingestion.GetExecution(request, timeout=back.seconds)
    return Execution.of(response.execution)


@router.get("/workflows/{workflow_id}/executions", responses=told(404))
async def list_executions_of_workflow(
    back: Back, history: History, workflow_id: str
) -> Page[Execution]:
    """Lists the executions of one workflow, newest first."""
    history.workflow_id = workflow_id
    return await list_executions(back, history)


@router.get("/workflows/{workflow_id}/failures", responses=told(404))
async def list_failures(
    back: Back, location_id: ReadLocation, workflow_id: str, page: PageAsked, hours: Hours = 24
) -> Page[Execution]:
    """Lists the failed executions of one workflow in the last hours, newest first."""
    request = pb.ListRecentFailuresRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        window=wire.hours(hours),
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListRecentFailures(request, timeout=back.seconds)
    return page_of(Execution, response.executions, response.next_page_token)


@router.get("/workflows/metrics")
async def get_metrics_of_many(
    back: Back,
    location_id: ReadLocation,
    workflow_id: Annotated[
        list[str], Query(default_factory=list, description="Up to 500; repeat it for each.")
    ],
    hours: Hours = 720,
) -> ManyMetrics:
    """Gives the numbers of several workflows; one that nobody has heard of is left out."""
    request = pb.BatchGetWorkflowMetricsRequest(
        location_id=location_id, workflow_ids=workflow_id, window=wire.hours(hours)
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.BatchGetWorkflowMetrics(
            request, timeout=back.seconds
        )
    return ManyMetrics(items=[WorkflowMetrics.measured(each) for each in response.metrics])


@router.get("/workflows/{workflow_id}/metrics", responses=told(404))
async def get_metrics(
    *,
    back: Back,
    location_id: ReadLocation,
    workflow_id: str,
    hours: Hours = 720,
    top: Annotated[
        int,
        Query(description="With so many of its most frequent errors and failing steps, 0 to 20."),
    ] = 0,
) -> MetricsWithErrors:
    """Gives the numbers of one workflow over the last hours, and over as many before."""
    request = pb.GetWorkflowMetricsRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        window=wire.hours(hours),
        top=wire.int32(top),
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.GetWorkflowMetrics(request, timeout=back.seconds)
    return MetricsWithErrors.told(response)


@router.get("/workflows/{workflow_id}/alert-threshold", responses=told(404))
async def check_alert_threshold(
    back: Back,
    location_id: ReadLocation,
    workflow_id: str,
    failure_threshold: Annotated[
        int | None, Query(description="Try this many failures instead of the setting.")
    ] = None,
    time_window_hours: Annotated[
        int | None, Query(description="Try this window instead of the setting.")
    ] = None,
) -> AlertThreshold:
    """Says whether a workflow is at or over its failure threshold now; tells nobody."""
    request = pb.CheckAlertThresholdRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        failure_threshold=wire.int32_or_none(failure_threshold),
        time_window_hours=wire.int32_or_none(time_window_hours),
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.CheckAlertThreshold(request, timeout=back.seconds)
    return AlertThreshold.of(response)
