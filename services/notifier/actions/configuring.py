"""Keeps the alert settings, and the targets that their addresses are."""

from collections.abc import Callable, Sequence
from datetime import datetime

from libs import problems
from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.notifier.channels.signing import new_secret
from services.notifier.domain.decision import Suppression
from services.notifier.domain.settings import AlertSettings, Change, SettingsPosition, changed
from services.notifier.domain.target import Channel, Origin, Target, masked
from services.notifier.store import Transaction, deliveries, settings, targets

ADDRESSES = {Channel.EMAIL: "alert_email", Channel.WEBHOOK: "webhook_url"}
"""The fields that are targets."""


class Configuring:
    """Reads and changes what locations want to be told."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        check_url: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._box = box
        self._check_url = check_url
        self._wake = wake

    async def settings_of(self, location_id: str) -> AlertSettings:
        """Gives a location's settings; the defaults where none were made."""
        async with self._database.transaction() as transaction:
            return await settings.of(transaction, location_id)

    async def changed_since(
        self, since: datetime | None, after: SettingsPosition | None, limit: int
    ) -> Sequence[AlertSettings]:
        """Gives settings that changed at or after a time, oldest change first.

        Whoever follows the changes asks again from a minute before the last one
        seen: of two changes the one that began first may be committed last.
        """
        async with self._database.transaction() as transaction:
            return await settings.changed_since(transaction, since, after, limit)

    async def change(
        self, location_id: str, change: Change, etag: str
    ) -> tuple[AlertSettings, str]:
        """Changes settings, if they still carry the etag; an empty one always fits.

        Gives them as they are now, and the secret of a webhook target that is new.
        """
        if url := change.get("webhook_url"):
            self._check_url(url)
        async with self._database.transaction() as transaction:
            current = await settings.held_alone(transaction, location_id)
            if etag and etag != current.etag:
                raise problems.Overtaken
            wished = changed(current, change)
            secret = await self._write_targets(transaction, wished, change)
            if not wished.enabled:
                await deliveries.suppress_waiting_in(
                    transaction, location_id, Suppression.ALERTS_DISABLED
                )
            written = await settings.write(transaction, wished)
        self._wake()
        return written, secret

    async def _write_targets(
        self, transaction: Transaction, wished: AlertSettings, change: Change
    ) -> str:
        """Makes the targets what the settings say; gives the secret of one that is new."""
        there = {
            each.channel: each
            for each in await targets.of(transaction, [wished.location_id])
            if each.origin is Origin.SETTINGS
        }
        secret = ""
        for channel, field in ADDRESSES.items():
            address = getattr(wished, field)
            if field not in change:
                continue
            if channel in there:
                await _move(transaction, there[channel], address)
            elif address:
                secret = await self._add(transaction, wished.location_id, channel, address)
        return secret

    async def _add(
        self, transaction: Transaction, location_id: str, channel: Channel, address: str
    ) -> str:
        secret = new_secret() if channel is Channel.WEBHOOK else ""
        sealed = self._box.seal(secret.encode()) if secret else None
        target = Target(new_id(), location_id, channel, address, sealed, origin=Origin.SETTINGS)
        await targets.add(transaction, target)
        return secret


async def _move(transaction: Transaction, target: Target, address: str | None) -> None:
    if address is None:
        await targets.remove(transaction, target.target_id)
        await deliveries.suppress_waiting_for(
            transaction, target.target_id, Suppression.TARGET_REMOVED
        )
        return
    await targets.readdress(transaction, target.target_id, address)
    if address != target.address:
        # It is still the location's own address: what waits goes to the new one.
        await deliveries.readdress(transaction, target.target_id, masked(target.channel, address))
