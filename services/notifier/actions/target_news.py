"""Tells another target of the location what became of one: in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from libs.ids import new_id
from services.notifier.domain import target_news
from services.notifier.domain.decision import Hold, Mute, Suppression
from services.notifier.domain.delivery import Claim, Draft
from services.notifier.domain.links import Links
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Fate, Outcome, Verdict
from services.notifier.domain.target import Channel, Target
from services.notifier.store import Transaction, deliveries, targets
from services.notifier.store.now import now

TOGETHER = timedelta(hours=1)
"""What is given up within this time after the last notice is told in one more."""


class TargetNews:
    """Writes what is told of targets; the loop of deliveries sends it."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def after(
        self, transaction: Transaction, claim: Claim, outcome: Outcome, fate: Fate
    ) -> None:
        """Tells what an attempt means for the target it was made at."""
        if outcome.verdict is Verdict.DELIVERED:
            if claim.target.failed_over_count:
                await self._works_again(transaction, claim.target)
        elif fate.disables_target:
            await self.switched_off(transaction, claim.target, outcome.detail)
        elif fate.wait is None:
            attempts = claim.attempts + 1
            await self.gave_up(transaction, claim.target, claim.frozen.subject, attempts)

    async def switched_off(self, transaction: Transaction, target: Target, because: str) -> None:
        """Tells that a target was switched off."""
        at = await now(transaction)
        message = target_news.switched_off(because, target, at, self._links)
        await self._tell(transaction, target, message)

    async def gave_up(
        self, transaction: Transaction, target: Target, subject: str, attempts: int
    ) -> None:
        """Tells that something will not arrive: at once, or together with more of the kind."""
        at = await now(transaction)
        message = target_news.gave_up(subject, attempts, target, at, self._links)
        wait = await targets.next_news(transaction, target, TOGETHER)
        await self._tell(transaction, target, message, wait)

    async def month_is_full(self, transaction: Transaction, target: Target) -> None:
        """Tells that a target has used up its month."""
        at = await now(transaction)
        await self._tell(transaction, target, target_news.month_is_full(target, at, self._links))

    async def _works_again(self, transaction: Transaction, target: Target) -> None:
        at = await now(transaction)
        await targets.stands_alone(transaction, target.target_id)
        await self._tell(transaction, target, target_news.works_again(target, at, self._links))

    async def _tell(
        self,
        transaction: Transaction,
        about: Target,
        message: Message,
        wait: timedelta = timedelta(0),
    ) -> None:
        there = await targets.of(transaction, [about.location_id])
        other = _other(about, there)
        draft = Draft(
            delivery_id=new_id(),
            location_id=about.location_id,
            incident_id=None,
            event_id=None,
            message=message,
            wait=wait,
            held_because=Hold.TOGETHER if wait else None,
            target=other,
        )
        if other is None:
            draft = replace(draft, mute=Mute(Suppression.NO_TARGET))
        await deliveries.add(transaction, [draft])


def _other(about: Target, there: Sequence[Target]) -> Target | None:
    """Gives who is told: the fallback if there is one, else a mailbox, else anybody else."""
    on = [each for each in there if not each.disabled and each.target_id != about.target_id]
    on.sort(
        key=lambda each: (
            each.target_id != about.fallback_target_id,
            each.channel is not Channel.EMAIL,
        )
    )
    return on[0] if on else None
