"""Why workflows fail, when runs happened, and what a threshold would have done."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.rest import wire
from gateway.rest.models.analyses import (
    Backtest,
    BucketWord,
    ErrorGroups,
    FailingSteps,
    Timeline,
)
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, ReadLocation
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api", tags=["Analysis"], route_class=KeyedRoute)

Hours = Annotated[int, Query(description="How far to look back, 1 to 2,160 hours (90 days).")]
Limit = Annotated[
    int, Query(description="At most this many; 0 means 50, above 500 is read as 500.")
]
BucketAsked = Annotated[
    BucketWord | None,
    Query(description="By hour or by day of UTC; up to 3 days by hour when not given."),
]


def asked_errors(
    location_id: ReadLocation, hours: Hours = 168, bucket: BucketAsked = None, limit: Limit = 0
) -> pb.ListErrorGroupsRequest:
    """Reads which kinds of errors a caller asks for."""
    return pb.ListErrorGroupsRequest(
        location_id=location_id,
        window=wire.hours(hours),
        bucket=wire.number(pb.Bucket.DESCRIPTOR, bucket),
        page_size=wire.int32(limit),
    )


def asked_steps(
    location_id: ReadLocation, hours: Hours = 168, limit: Limit = 0
) -> pb.ListFailingStepsRequest:
    """Reads which steps a caller asks for."""
    return pb.ListFailingStepsRequest(
        location_id=location_id, window=wire.hours(hours), page_size=wire.int32(limit)
    )


def asked_timeline(
    location_id: ReadLocation, hours: Hours = 24, bucket: BucketAsked = None
) -> pb.GetExecutionTimelineRequest:
    """Reads which timeline a caller asks for."""
    return pb.GetExecutionTimelineRequest(
        location_id=location_id,
        window=wire.hours(hours),
        bucket=wire.number(pb.Bucket.DESCRIPTOR, bucket),
    )


ErrorsAsked = Annotated[pb.ListErrorGroupsRequest, Depends(asked_errors)]
StepsAsked = Annotated[pb.ListFailingStepsRequest, Depends(asked_steps)]
TimelineAsked = Annotated[pb.GetExecutionTimelineRequest, Depends(asked_timeline)]


@router.get("/errors")
async def list_errors(back: Back, asked: ErrorsAsked) -> ErrorGroups:
    """Lists the kinds of errors of a location in the last hours, the most frequent first."""
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListErrorGroups(asked, timeout=back.seconds)
    return ErrorGroups.of(response)


@router.get("/workflows/{workflow_id}/errors", responses=told(404))
async def list_errors_of_workflow(back: Back, asked: ErrorsAsked, workflow_id: str) -> ErrorGroups:
    """Lists the kinds of errors of one workflow in the last hours, the most frequent first."""
    asked.workflow_id = workflow_id
    return await list_errors(back, asked)


@router.get("/failing-steps")
async def list_failing_steps(back: Back, asked: StepsAsked) -> FailingSteps:
    """Lists the steps at which runs of a location failed, the most frequent first."""
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListFailingSteps(asked, timeout=back.seconds)
    return FailingSteps.of(response)


@router.get("/workflows/{workflow_id}/failing-steps", responses=told(404))
async def list_failing_steps_of_workflow(
    back: Back, asked: StepsAsked, workflow_id: str
) -> FailingSteps:
    """Lists the steps at which runs of one workflow failed, the most frequent first."""
    asked.workflow_id = workflow_id
    return await list_failing_steps(back, asked)


@router.get("/timeline", responses=told(404))
async def get_timeline(back: Back, asked: TimelineAsked) -> Timeline:
    """Gives how many runs of a location there were, hour by hour or day by day."""
    with back.asking("ingestion"):
        response = await back.services.ingestion.GetExecutionTimeline(asked, timeout=back.seconds)
    return Timeline.of(response)


@router.get("/workflows/{workflow_id}/timeline", responses=told(404))
async def get_timeline_of_workflow(back: Back, asked: TimelineAsked, workflow_id: str) -> Timeline:
    """Gives how many runs of one workflow there were, hour by hour or day by day."""
    asked.workflow_id = workflow_id
    return await get_timeline(back, asked)


@router.get("/workflows/{workflow_id}/alert-threshold/backtest", responses=told(404))
async def backtest_threshold(
    *,
    back: Back,
    location_id: ReadLocation,
    workflow_id: str,
    failure_threshold: Annotated[
        int | None, Query(description="Try this many failures instead of the setting.")
    ] = None,
    time_window_hours: Annotated[
        int | None, Query(description="Try this window instead of the setting.")
    ] = None,
    days: Annotated[int, Query(ge=1, le=90, description="How far to look back.")] = 30,
) -> Backtest:
    """Says how often a workflow would have alerted in the last days; tells nobody."""
    request = pb.BacktestThresholdRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        failure_threshold=wire.int32_or_none(failure_threshold),
        time_window_hours=wire.int32_or_none(time_window_hours),
        window=wire.hours(24 * days),
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.BacktestThreshold(request, timeout=back.seconds)
    return Backtest.of(response)
