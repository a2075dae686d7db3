"""Keeps the targets of locations: where alerts go, and what each of them wants to hear."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.notifier.actions.posting import Posting
from services.notifier.actions.replaying import Replaying
from services.notifier.channels.signing import new_secret
from services.notifier.domain.decision import Suppression
from services.notifier.domain.scope import Scope
from services.notifier.domain.target import (
    MOST_TARGETS,
    SECRET_BY_ITSELF,
    Channel,
    NoSecret,
    Origin,
    Target,
    TargetIsSetting,
    TargetNotFound,
    TooManyTargets,
)
from services.notifier.domain.wishes import FallbackNotFound, Wishes, wished
from services.notifier.store import Transaction, deliveries, settings, targets
from services.notifier.store.now import now

OVERLAP = timedelta(hours=24)
"""How long the secret before a new one signs as well."""


class Targeting:
    """Reads and changes targets. Whoever changes one holds the location's settings alone."""

    def __init__(
        self,
        database: Database,
        posting: Posting,
        box: SecretBox,
        replaying: Replaying,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._posting = posting
        self._box = box
        self._replaying = replaying
        self._wake = wake

    async def targets_of(self, location_id: str) -> tuple[Sequence[Target], datetime]:
        """Gives a location's targets, and the time that this was so."""
        async with self._database.transaction() as transaction:
            found = await targets.of(transaction, [location_id])
            return found, await now(transaction)

    async def get(self, location_id: str, target_id: str) -> tuple[Target, datetime]:
        """Gives one target, and the time that this was so."""
        async with self._database.transaction() as transaction:
            return await _shown(transaction, location_id, target_id)

    async def create(
        self, location_id: str, channel: Channel, wishes: Wishes
    ) -> tuple[Target, datetime, str]:
        """Makes a target; gives it with the secret that signs what it is sent."""
        self._posting.check(channel, wishes.get("address", ""))
        secret = new_secret() if channel is Channel.WEBHOOK else ""
        sealed = self._box.seal(secret.encode()) if secret else None
        new = Target(new_id(), location_id, channel, "", sealed)
        target = self._wished(new, wishes)
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            there = await targets.of(transaction, [location_id])
            if len([each for each in there if each.origin is Origin.API]) >= MOST_TARGETS:
                raise TooManyTargets
            _check_fallback(target, there)
            await targets.add(transaction, target)
            return *await _shown(transaction, location_id, target.target_id), secret

    async def change(
        self, location_id: str, target_id: str, wishes: Wishes
    ) -> tuple[Target, datetime]:
        """Changes what is wished of a target; what waits goes to a new address."""
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            there = await targets.of(transaction, [location_id])
            before = _among(there, target_id)
            after = self._wished(before, wishes)
            if "address" in wishes and wishes["address"] != before.address:
                after = await self._moved(transaction, after, wishes["address"])
            _check_fallback(after, there)
            await targets.write(transaction, after)
            if after.digest is not before.digest:
                await deliveries.release_digest(transaction, target_id)
            if after.disabled and not before.disabled:
                await targets.disable(transaction, target_id, after.disabled_because)
                await deliveries.suppress_waiting_for(
                    transaction, target_id, Suppression.TARGET_DISABLED
                )
            elif before.disabled and not after.disabled:
                await targets.enable(transaction, target_id)
            shown = await _shown(transaction, location_id, target_id)
        self._wake()
        return shown

    async def _moved(self, transaction: Transaction, target: Target, address: str) -> Target:
        """Gives a target another address: what waits goes there, what was wrong is forgotten."""
        if target.origin is Origin.SETTINGS:
            raise TargetIsSetting
        self._posting.check(target.channel, address)
        await targets.readdress(transaction, target.target_id, target.address)
        await deliveries.readdress(transaction, target.target_id, target.masked)
        return target if target.disabled_by_people else replace(target, disabled_because="")

    def _wished(self, target: Target, wishes: Wishes) -> Target:
        """Gives the target as it is wished, with what is secret of it sealed."""
        after = wished(target, wishes)
        secret = account.secret if (account := wishes.get("sms")) else ""
        if target.channel in SECRET_BY_ITSELF and "address" in wishes:
            secret = after.address
            after = replace(after, address=after.masked)
        return replace(after, sealed_secret=self._box.seal(secret.encode())) if secret else after

    async def delete(self, location_id: str, target_id: str) -> None:
        """Forgets a target, and what waits for it."""
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            target = await targets.one(transaction, location_id, target_id)
            if target.origin is Origin.SETTINGS:
                raise TargetIsSetting
            await targets.remove(transaction, target_id)
            await deliveries.suppress_waiting_for(
                transaction, target_id, Suppression.TARGET_REMOVED
            )

    async def enable(
        self, location_id: str, target_id: str, *, replay: bool
    ) -> tuple[Target, datetime, int]:
        """Switches a target on; gives it, and how many of what it missed it is sent now."""
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            target = await targets.one(transaction, location_id, target_id)
            missed = await self._replaying.missed(transaction, target) if replay else 0
            await targets.enable(transaction, target_id)
            shown = await _shown(transaction, location_id, target_id)
        self._wake()
        return *shown, missed

    async def rotate(self, location_id: str, target_id: str) -> tuple[Target, datetime, str]:
        """Gives a webhook target a new secret, and tells it."""
        secret = new_secret()
        async with self._database.transaction() as transaction:
            await settings.held_alone(transaction, Scope(location_id))
            target = await targets.one(transaction, location_id, target_id)
            if target.channel is not Channel.WEBHOOK:
                raise NoSecret
            await targets.rotate(transaction, target_id, self._box.seal(secret.encode()), OVERLAP)
            return *await _shown(transaction, location_id, target_id), secret


async def _shown(
    transaction: Transaction, location_id: str, target_id: str
) -> tuple[Target, datetime]:
    return await targets.one(transaction, location_id, target_id), await now(transaction)


def _among(there: Sequence[Target], target_id: str) -> Target:
    for each in there:
        if each.target_id == target_id:
            return each
    raise TargetNotFound(target_id=target_id)


def _check_fallback(target: Target, there: Sequence[Target]) -> None:
    fallback = target.fallback_target_id
    if fallback and fallback not in {each.target_id for each in there}:
        raise FallbackNotFound.at("target.fallback_target_id")
