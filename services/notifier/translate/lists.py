"""Writes what was decided and what became of it."""

from google.protobuf.duration_pb2 import Duration

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.delivery import CaughtMail, Delivery, DeliveryStatus, TrialVerdict
from services.notifier.domain.event import Severity
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.watch import Watch

SEVERITIES = {
    Severity.CRITICAL: pb.SEVERITY_CRITICAL,
    Severity.WARNING: pb.SEVERITY_WARNING,
    Severity.INFO: pb.SEVERITY_INFO,
}
_INCIDENT_STATUSES = {
    IncidentStatus.OPEN: pb.INCIDENT_STATUS_OPEN,
    IncidentStatus.RESOLVED: pb.INCIDENT_STATUS_RESOLVED,
}
_STATUSES_ASKED = {theirs: ours for ours, theirs in _INCIDENT_STATUSES.items()}
DELIVERY_STATUSES = {
    DeliveryStatus.PENDING: pb.DELIVERY_STATUS_PENDING,
    DeliveryStatus.DELIVERED: pb.DELIVERY_STATUS_DELIVERED,
    DeliveryStatus.FAILED: pb.DELIVERY_STATUS_FAILED,
    DeliveryStatus.SUPPRESSED: pb.DELIVERY_STATUS_SUPPRESSED,
}


def status_from(asked: pb.IncidentStatus.ValueType) -> IncidentStatus | None:
    """Reads a filter; None means any."""
    return _STATUSES_ASKED.get(asked)


def incident_to(incident: Incident) -> pb.Incident:
    return pb.Incident(
        incident_id=incident.incident_id,
        location_id=incident.location_id,
        dedup_key=incident.dedup_key,
        status=_INCIDENT_STATUSES[incident.status],
        severity=SEVERITIES[incident.severity],
        title=incident.title,
        workflow_id=incident.workflow_id,
        workflow_name=incident.workflow_name,
        event_count=incident.event_count,
        failure_count=incident.failure_count,
        opened_at=timestamp(incident.opened_at),
        last_event_at=timestamp(incident.last_event_at),
        resolved_at=timestamp(incident.resolved_at),
        acknowledged_at=timestamp(incident.acknowledged_at),
        acknowledged_by=incident.acknowledged_by,
        snoozed_until=timestamp(incident.snoozed_until),
        snoozed_until_worse=incident.snoozed_until_worse,
        resolved_by=incident.resolved_by,
        cause=incident.cause,
        fix=incident.fix,
        caused_by=incident.caused_by,
    )


def delivery_to(delivery: Delivery) -> pb.Delivery:
    return pb.Delivery(
        delivery_id=delivery.delivery_id,
        location_id=delivery.location_id,
        incident_id=delivery.incident_id or "",
        event_id=delivery.event_id or "",
        channel=delivery.channel,
        target=delivery.sent_to,
        occasion=delivery.occasion,
        subject=delivery.subject,
        status=DELIVERY_STATUSES[delivery.status],
        suppressed_because=delivery.suppressed_because,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        created_at=timestamp(delivery.created_at),
        next_attempt_at=timestamp(delivery.next_attempt_at),
        delivered_at=timestamp(delivery.delivered_at),
        message_id=delivery.message_id,
        target_id=delivery.target_id,
        last_code=delivery.last_code,
        held_until=timestamp(delivery.held_until),
        held_because=delivery.held_because,
        suppressed_by=delivery.suppressed_by,
    )


def status_to(watch: Watch) -> pb.GetNotifierStatusResponse:
    state = pb.GetNotifierStatusResponse
    age = Duration()
    age.FromTimedelta(watch.oldest_due_age)
    return pb.GetNotifierStatusResponse(
        state=state.STATE_OK if watch.well else state.STATE_DEGRADED,
        reason=watch.reason,
        due_count=watch.due_count,
        oldest_due_age=age,
        failing_targets=watch.failing_targets,
        switched_off_targets=watch.switched_off_targets,
        given_up_count=watch.given_up_count,
    )


def verdict_to(verdict: TrialVerdict) -> pb.TestVerdict:
    return pb.TestVerdict(
        target_id=verdict.target_id,
        channel=verdict.channel,
        target=verdict.sent_to,
        delivered=verdict.delivered,
        detail=verdict.detail,
        elapsed_ms=verdict.elapsed_ms,
    )


def caught_mail_to(mail: CaughtMail) -> pb.CaughtMail:
    return pb.CaughtMail(
        message_id=mail.message_id,
        location_id=mail.location_id,
        caught_at=timestamp(mail.caught_at),
        sender=mail.sender,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
    )
