"""Tells somebody else what is critical while its target fails."""

from collections.abc import Mapping

from libs.db.database import Database
from libs.ids import new_id
from services.notifier.domain.decision import Mute, Suppression
from services.notifier.domain.delivery import Draft
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import Target
from services.notifier.domain.target_news import instead
from services.notifier.store import deliveries, failovers, settings, targets
from services.notifier.store.failovers import Unheard

STEP = 100


class FailingOver:
    """Writes what fallbacks are told; the loop of deliveries sends it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fail_over(self) -> int:
        """Looks for what is due to be told to fallbacks; gives how many deliveries that were."""
        async with self._database.transaction() as transaction:
            locations = await failovers.locations(transaction, STEP)
        return sum([await self._fail_over_in(each) for each in locations])

    async def _fail_over_in(self, location_id: str) -> int:
        async with self._database.transaction() as transaction:
            # So that no fallback is removed meanwhile; before the deliveries, as everybody does.
            await settings.held_still(transaction, [Scope(location_id)])
            there = {each.target_id: each for each in await targets.of(transaction, [location_id])}
            due = await failovers.held_due(transaction, location_id, STEP)
            await deliveries.add(transaction, [_draft(each, location_id, there) for each in due])
            await failovers.note(transaction, due)
        return len(due)


def _draft(unheard: Unheard, location_id: str, there: Mapping[str, Target]) -> Draft:
    target = there[unheard.target_id]
    fallback = there.get(target.fallback_target_id or "")
    because = None
    if fallback is None:
        because = Suppression.TARGET_REMOVED
    elif fallback.disabled:
        because = Suppression.TARGET_DISABLED
    return Draft(
        delivery_id=new_id(),
        location_id=location_id,
        incident_id=unheard.incident_id,
        event_id=unheard.event_id,
        message=instead(unheard.message, target, unheard.error),
        target=fallback,
        mute=Mute(because) if because else None,
    )
