"""Reads and writes silences."""

from collections.abc import Mapping
from datetime import datetime

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.event import Kind, Severity
from services.notifier.domain.silence import Silence, SilenceNotFound
from services.notifier.translate import fields, inbox, lists, settings

ANY = Severity.CRITICAL
_SEVERITIES: Mapping[int, Severity] = {
    pb.SEVERITY_UNSPECIFIED: ANY,
    **{ours: severity for severity, ours in lists.SEVERITIES.items()},
}


class ReasonMissing(problems.InvalidRequest):
    """Say why: give the reason, 1 to 1,000 characters."""

    reason = "REASON_MISSING"


class KindUnknown(problems.InvalidRequest):
    """There is no such kind of events."""

    reason = "KIND_UNKNOWN"


def silence_from(request: pb.CreateSilenceRequest) -> Silence:
    """Reads a silence that is to be made; its id and its end are not given yet."""
    reason = fields.text(request.reason)
    if not reason:
        raise ReasonMissing.at("reason")
    return Silence(
        silence_id="",
        scope=settings.scope_of(request, installation=request.installation),
        kinds=tuple(kind_from(each, "kinds") for each in dict.fromkeys(request.kinds)),
        up_to=_SEVERITIES.get(request.up_to_severity, ANY),
        reason=reason,
        created_by=inbox.actor_from(request.actor),
    )


def kind_from(given: str, field: str) -> Kind:
    """Reads a kind of events."""
    try:
        return Kind(given)
    except ValueError as error:
        known = ", ".join(Kind)
        raise KindUnknown.at(field, f"{given[:80]!r} is no kind; these are: {known}.") from error


def which_from(request: pb.ExpireSilenceRequest) -> tuple[str, str]:
    """Reads which silence is meant."""
    location_id = fields.location_id(request.location_id) if request.location_id else ""
    if not fields.is_id(request.silence_id):
        raise SilenceNotFound(silence_id=request.silence_id)
    return location_id, request.silence_id


def silence_to(silence: Silence, at: datetime) -> pb.Silence:
    return pb.Silence(
        silence_id=silence.silence_id,
        location_id=silence.scope.location_id,
        workflow_id=silence.scope.workflow_id,
        kinds=silence.kinds,
        up_to_severity=lists.SEVERITIES[silence.up_to],
        reason=silence.reason,
        created_by=silence.created_by,
        created_at=timestamp(silence.created_at),
        ends_at=timestamp(silence.ends_at),
        expired_by=silence.expired_by,
        active=silence.ends_at > at,
        suppressed_count=silence.suppressed_count,
    )
