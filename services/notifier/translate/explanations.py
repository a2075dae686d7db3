"""Reads what is to be explained, and writes the explanation."""

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.event import (
    DETAILS,
    AboutErrors,
    AboutGaps,
    AboutWorkflow,
    Event,
    imagined,
)
from services.notifier.domain.explanation import EventNotFound, Explanation, Heard
from services.notifier.domain.scope import INSTALLATION
from services.notifier.domain.settings import AlertSettings
from services.notifier.translate import fields, inbox, lists, settings, silences


class SubjectMissing(problems.InvalidRequest):
    """Say what to explain: give an event_id, an incident_id, or an imagined event."""

    reason = "SUBJECT_MISSING"


def event_from(request: pb.ExplainDecisionRequest) -> tuple[str, str]:
    """Reads which event is to be explained; one about many locations has no location."""
    location_id = fields.location_id(request.location_id) if request.location_id else ""
    if not fields.is_id(request.event_id):
        raise EventNotFound(event_id=request.event_id)
    return location_id, request.event_id


def imagined_from(request: pb.ExplainDecisionRequest) -> Event:
    """Reads an event that does not happen; one of the whole installation names no location."""
    message = request.imagined
    kind = silences.kind_from(message.kind, "imagined.kind")
    of_all = issubclass(DETAILS[kind], AboutErrors | AboutGaps)
    location_id = fields.reach(request, installation=of_all)
    workflow_id = ""
    if issubclass(DETAILS[kind], AboutWorkflow):
        workflow_id = fields.workflow_id(message.workflow_id, "imagined.workflow_id")
    return imagined(location_id, workflow_id, kind)


def explanation_to(found: Explanation) -> pb.ExplainDecisionResponse:
    checks = [
        pb.DecisionCheck(name=each.name, passed=each.passed, detail=each.detail)
        for each in found.checks()
    ]
    return pb.ExplainDecisionResponse(
        told=found.told,
        answer=found.answer,
        kind=found.kind,
        severity=lists.SEVERITIES[found.severity],
        workflow_id=found.workflow_id,
        dedup_key=found.dedup_key,
        outcome=found.decision.outcome,
        incident=lists.incident_to(found.incident) if found.incident else None,
        checks=checks,
        settings=_settings(found),
        quiet_until=timestamp(found.decision.quiet_until),
        targets=[_heard_to(each) for each in found.heard],
        decided_at=timestamp(found.decided_at),
    )


def _settings(found: Explanation) -> pb.AlertSettings | None:
    if not found.decision.values:
        return None
    held = AlertSettings(
        scope=INSTALLATION, **found.decision.values, origins=found.decision.origins
    )
    message = settings.settings_to(held)
    for name in ("alert_email", "webhook_url", "etag"):
        message.ClearField(name)
    shown = [each for each in message.origins if each.field in found.decision.values]
    del message.origins[:]
    message.origins.extend(shown)
    message.location_id, message.workflow_id = found.location_id, found.workflow_id
    return message


def _heard_to(heard: Heard) -> pb.TargetDecision:
    delivery, target = heard.delivery, heard.target
    return pb.TargetDecision(
        decision=heard.fate,
        reason=heard.reason,
        until=timestamp(heard.until),
        target_id=(delivery and delivery.target_id) or (target and target.target_id) or "",
        channel=delivery.channel if delivery else target.channel if target else "",
        target=delivery.sent_to if delivery else target.masked if target else "",
        delivery=lists.delivery_to(delivery) if delivery else None,
        attempts=[inbox.attempt_to(each) for each in heard.attempts],
    )
