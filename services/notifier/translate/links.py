"""Writes what the signed links of mails are about."""

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from services.notifier.domain.passes import Followed
from services.notifier.translate import lists


def link_to(found: Followed) -> pb.Link:
    return pb.Link(
        act=found.given.act,
        location_id=found.given.location_id,
        incident=lists.incident_to(found.incident) if found.incident else None,
        address=found.target.address,
        actor=found.actor,
        done=found.done,
        expires_at=timestamp(found.given.expires_at),
    )
