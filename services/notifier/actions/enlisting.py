"""Puts into messages what is known only when they are sent: names, and what incidents stand for."""

from collections.abc import Mapping, Sequence

from services.notifier.domain.delivery import Waiting
from services.notifier.domain.incident import STANDING_FOR_OTHERS, Incident
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message, located, with_affected
from services.notifier.store import Transaction, causes, inbox, settings

MOST = 500


async def enlisted(
    transaction: Transaction, waiting: Sequence[Waiting], links: Links
) -> Sequence[Sequence[Message]]:
    """Gives the messages of each with the names of locations, and lists of what they stand for."""
    affected = [await _affected(transaction, each) for each in waiting]
    places = {
        str(each.content.get("location_id") or "") for one in waiting for each in one.messages
    }
    lists = [listed for each in affected for listed in each.values()]
    places |= {each.location_id for listed in lists for each in listed}
    names = await settings.location_names(transaction, places) if waiting else {}
    return [
        [
            with_affected(located(message, names), listed.get(number, ()), links, names)
            for number, message in enumerate(each.messages)
        ]
        for each, listed in zip(waiting, affected, strict=True)
    ]


async def _affected(transaction: Transaction, waiting: Waiting) -> Mapping[int, Sequence[Incident]]:
    """Gives what the incidents of some messages stand for, by the place of the message."""
    found = {}
    told = zip(waiting.incident_ids, waiting.messages, strict=True)
    for number, (incident_id, message) in enumerate(told):
        if incident_id and message.content.get("kind") in STANDING_FOR_OTHERS:
            location_id = str(message.content["location_id"])
            cause = await inbox.of(transaction, location_id, incident_id)
            found[number] = await causes.affected_by(transaction, cause, MOST)
    return found
