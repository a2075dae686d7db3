"""Puts into messages what their incidents stand for, as of the moment they are sent."""

from collections.abc import Sequence

from services.notifier.domain.delivery import Waiting
from services.notifier.domain.incident import STANDING_FOR_OTHERS
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, with_affected
from services.notifier.store import Transaction, causes, inbox

MOST = 500


async def enlisted(transaction: Transaction, waiting: Waiting, links: Links) -> Sequence[Message]:
    """Gives the messages, those of incidents that stand for others with a list of them."""
    found = []
    for incident_id, message in zip(waiting.incident_ids, waiting.messages, strict=True):
        if incident_id is None or message.content.get("kind") not in STANDING_FOR_OTHERS:
            found.append(message)
            continue
        location_id = str(message.content["location_id"])
        cause = await inbox.of(transaction, location_id, incident_id)
        affected = await causes.affected_by(transaction, cause, MOST)
        found.append(with_affected(message, affected, links))
    return found
