"""One delivery with its attempts, and what is sent again."""

from typing import Annotated

from pydantic import Field

from gateway.rest import wire
from gateway.rest.models.alerts import Delivery
from gateway.rest.models.incidents import DeliveryAttempt
from gateway.rest.models.shapes import Answer, Body, Moment, examples
from libs.contracts.notifier.v1 import notifier_pb2 as pb


class DeliveryStory(Answer):
    """A delivery with every attempt that was made."""

    delivery: Delivery
    attempts: list[DeliveryAttempt]
    """Oldest first, at most the last 100."""


class ReplayBody(Body):
    """What to send again: `deliveryIds`, or what was given up since `from`."""

    model_config = examples(
        {"deliveryIds": ["0198c1f2-7d3a-7c54-9d0e-2f4b6a8c0e12"]},
        {"from": "2026-03-02T02:10:00Z", "to": "2026-03-02T02:25:00Z"},
    )

    delivery_ids: list[str] = Field(default_factory=list)
    """At most 500."""
    begin: Annotated[Moment | None, Field(strict=False, alias="from")] = None
    """Those decided at or after this time that were given up."""
    end: Annotated[Moment | None, Field(strict=False, alias="to")] = None
    """Those decided before this time; until now when not given."""
    target_id: str = ""
    """Only to this target."""
    force: bool = False
    """Also what was delivered."""

    def message(self, location_id: str) -> pb.ReplayDeliveriesRequest:
        """Gives the request, for a location."""
        request = pb.ReplayDeliveriesRequest(
            location_id=location_id,
            delivery_ids=self.delivery_ids,
            to=wire.timestamp(self.end),
            target_id=self.target_id,
            force=self.force,
        )
        if begin := wire.timestamp(self.begin):
            getattr(request, "from").CopyFrom(begin)
        return request


class Replayed(Answer):
    """How many deliveries are sent again."""

    replayed_count: int
