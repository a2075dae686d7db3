"""Why somebody was told, or was not."""

from fastapi import APIRouter

from gateway.rest import wire
from gateway.rest.backend import Backend
from gateway.rest.models.explanations import (
    Explanation,
    ImaginedEventBody,
    ThresholdTrial,
)
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, ReadReach
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api", tags=["Alerts"], route_class=KeyedRoute)

TRIAL_DAYS = 30


@router.get("/alerts/events/{event_id}/explain", responses=told(404))
async def explain_event(back: Back, location_id: ReadReach, event_id: str) -> Explanation:
    """Says why somebody was told of an event, or was not."""
    return await _explained(
        back, pb.ExplainDecisionRequest(location_id=location_id, event_id=event_id)
    )


@router.get("/incidents/{incident_id}/explain", responses=told(404))
async def explain_incident(back: Back, location_id: ReadReach, incident_id: str) -> Explanation:
    """Says who was told of an incident and why; of what opened it, and all that came after."""
    return await _explained(
        back, pb.ExplainDecisionRequest(location_id=location_id, incident_id=incident_id)
    )


@router.post("/alerts/explain")
async def explain_imagined_event(
    back: Back, location_id: ReadReach, body: ImaginedEventBody
) -> Explanation:
    """Says who would be told of an event if it happened now; changes nothing and tells nobody."""
    imagined = pb.ImaginedEvent(kind=body.kind, workflow_id=body.workflow_id)
    return await _explained(
        back, pb.ExplainDecisionRequest(location_id=location_id, imagined=imagined)
    )


async def _explained(back: Backend, asked: pb.ExplainDecisionRequest) -> Explanation:
    with back.asking("notifier"):
        found = await back.services.notifier.ExplainDecision(asked, timeout=back.seconds)
    trial = None
    if found.kind == "workflow_failing":
        trial = await _trial(back, asked.location_id, found.workflow_id)
    return Explanation.of(found, threshold_trial=trial)


async def _trial(back: Backend, location_id: str, workflow_id: str) -> ThresholdTrial | None:
    """Tries the threshold of now on the last days; None where there is nothing to try it on."""
    request = ingestion_pb2.BacktestThresholdRequest(
        location_id=location_id, workflow_id=workflow_id, window=wire.hours(24 * TRIAL_DAYS)
    )
    try:
        with back.asking("ingestion"):
            tried = await back.services.ingestion.BacktestThreshold(request, timeout=back.seconds)
    except (problems.NotFound, problems.Unavailable, problems.OutOfTime):
        return None
    rule = f"{tried.failure_threshold} failures in {tried.time_window_hours} h"
    alerts = "1 alert" if tried.alert_count == 1 else f"{tried.alert_count} alerts"
    return ThresholdTrial(
        text=f"With {rule} there would have been {alerts} in the last {TRIAL_DAYS} days.",
        alert_count=tried.alert_count,
        failure_threshold=tried.failure_threshold,
        time_window_hours=tried.time_window_hours,
        days=TRIAL_DAYS,
    )
