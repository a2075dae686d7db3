"""Reads which deliveries are meant, and writes one with its attempts."""

from collections.abc import Sequence

from libs import problems
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from services.notifier.domain.delivery import (
    Delivery,
    DeliveryFilter,
    DeliveryNotFound,
    DeliveryStatus,
    Span,
)
from services.notifier.domain.inbox import Attempt
from services.notifier.translate import fields, inbox, lists

MOST_NAMED = 500
_STATUSES: dict[int, DeliveryStatus] = {
    theirs: ours for ours, theirs in lists.DELIVERY_STATUSES.items()
}


class NothingToReplay(problems.InvalidRequest):
    """Name 1 to 500 delivery_ids, or give the time `from` which on to send again."""

    reason = "NOTHING_TO_REPLAY"


def filter_from(request: pb.ListDeliveriesRequest) -> DeliveryFilter:
    """Reads which deliveries are asked for."""
    return DeliveryFilter(
        fields.name(request.incident_id),
        _STATUSES.get(request.status),
        fields.name(request.target_id),
    )


def which_from(request: pb.GetDeliveryRequest) -> tuple[str, str]:
    """Reads which delivery a request is about."""
    location_id = fields.location_id(request.location_id)
    if not fields.is_id(request.delivery_id):
        raise DeliveryNotFound(delivery_id=request.delivery_id)
    return location_id, request.delivery_id


def named_in(request: pb.ReplayDeliveriesRequest) -> Sequence[str]:
    """Reads which deliveries are named; none when a span of time is meant."""
    named = list(dict.fromkeys(request.delivery_ids))
    by_time = request.HasField("from")
    if bool(named) == by_time or len(named) > MOST_NAMED:
        raise NothingToReplay.at("delivery_ids")
    return named


def span_from(request: pb.ReplayDeliveriesRequest) -> Span:
    """Reads a span of time."""
    begin = fields.moment(request, "from")
    if begin is None:
        raise NothingToReplay.at("from")
    return Span(begin, fields.moment(request, "to"), fields.name(request.target_id))


def found_to(delivery: Delivery, attempts: Sequence[Attempt]) -> pb.GetDeliveryResponse:
    return pb.GetDeliveryResponse(
        delivery=lists.delivery_to(delivery),
        attempts=[inbox.attempt_to(each) for each in attempts],
    )
