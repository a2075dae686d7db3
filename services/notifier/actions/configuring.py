"""Keeps the alert settings of each level, and the targets that their addresses are."""

from collections.abc import Callable, Sequence
from datetime import datetime

from libs import problems
from libs.db.database import Database
from libs.ids import new_id
from libs.secrets import SecretBox
from services.notifier.channels.signing import new_secret
from services.notifier.domain.decision import Suppression
from services.notifier.domain.scope import INSTALLATION, Scope
from services.notifier.domain.settings import (
    AlertSettings,
    Change,
    Layer,
    SettingsPosition,
    effective,
)
from services.notifier.domain.target import ADDRESSES, Channel, Origin, Target, masked
from services.notifier.store import Transaction, deliveries, settings, targets
from services.notifier.store.now import now

QUIETING = {"quiet_hours", "quiet_hours_hold_critical", "timezone"}
"""The values that say when quiet hours hold something."""


class Configuring:
    """Reads and changes what people want to be told."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        built_in: AlertSettings,
        check_url: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._box = box
        self._built_in = built_in
        self._check_url = check_url
        self._wake = wake

    async def settings_of(self, scope: Scope) -> tuple[AlertSettings, AlertSettings | None]:
        """Gives what holds in a scope, and what would if nothing were set there."""
        async with self._database.transaction() as transaction:
            layers = await settings.layers(transaction, [scope])
        *_, above, _ = (None, *scope.path)
        inherited = effective(above, layers, self._built_in) if above is not None else None
        return effective(scope, layers, self._built_in), inherited

    async def changed_since(
        self, since: datetime | None, after: SettingsPosition | None, limit: int
    ) -> tuple[Sequence[AlertSettings], AlertSettings]:
        """Gives what holds where something changed at or after a time, oldest change first.

        Also gives what holds where nothing is set. Both are asked at once, every two seconds.

        Whoever follows the changes asks again from a minute before the last one
        seen: of two changes the one that began first may be committed last.
        """
        async with self._database.transaction() as transaction:
            changed, layers = await settings.changed_since(transaction, since, after, limit)
        defaults = effective(INSTALLATION, layers, self._built_in)
        return [effective(each, layers, self._built_in) for each in changed], defaults

    async def change(self, scope: Scope, change: Change, etag: str) -> tuple[AlertSettings, str]:
        """Changes settings, if they still carry the etag; an empty one always fits.

        Gives them as they hold now, and the secret of a webhook target that is new.
        """
        if url := change.get("webhook_url"):
            self._check_url(url)
        async with self._database.transaction() as transaction:
            await settings.held_still(transaction, scope.path[:-1])
            current = await settings.held_alone(transaction, scope)
            if etag and etag != current.etag:
                raise problems.Overtaken
            written = await settings.write(transaction, current.changed(change))
            secret = await self._write_targets(transaction, written, change)
            if "enabled" in change:
                await self._suppress_where_disabled(transaction, scope)
            if change.keys() & QUIETING:
                await self._hold_anew(transaction, scope)
            layers = await settings.layers(transaction, [scope])
        self._wake()
        return effective(scope, layers, self._built_in), secret

    async def _suppress_where_disabled(self, transaction: Transaction, scope: Scope) -> None:
        waiting = await deliveries.scopes_waiting(transaction, scope)
        layers = await settings.layers(transaction, waiting)
        for each in waiting:
            if not effective(each, layers, self._built_in).enabled:
                await deliveries.suppress_waiting_in(transaction, each, Suppression.ALERTS_DISABLED)

    async def _hold_anew(self, transaction: Transaction, scope: Scope) -> None:
        """Lets what was held go when the quiet hours end that hold now."""
        waiting = await deliveries.scopes_waiting(transaction, scope)
        layers = await settings.layers(transaction, waiting)
        at = await now(transaction)
        for each in waiting:
            until = effective(each, layers, self._built_in).quiet_until(at)
            await deliveries.hold_until(transaction, each, until or at)

    async def _write_targets(self, transaction: Transaction, written: Layer, change: Change) -> str:
        """Makes the targets what the settings say; gives the secret of one that is new."""
        there = {
            each.channel: each
            for each in await targets.of(transaction, [written.scope.location_id])
            if each.is_setting and each.scope == written.scope
        }
        secret = ""
        for channel, field in ADDRESSES.items():
            address = written.values.get(field, "")
            if field not in change:
                continue
            if channel in there:
                await _move(transaction, there[channel], address)
            elif address:
                secret = await self._add(transaction, written.scope, channel, address)
        return secret

    async def _add(
        self, transaction: Transaction, scope: Scope, channel: Channel, address: str
    ) -> str:
        secret = new_secret() if channel is Channel.WEBHOOK else ""
        sealed = self._box.seal(secret.encode()) if secret else None
        target = Target(
            new_id(),
            scope.location_id,
            channel,
            address,
            sealed,
            origin=Origin.SETTINGS,
            workflow_id=scope.workflow_id,
        )
        await targets.add(transaction, target)
        return secret


async def _move(transaction: Transaction, target: Target, address: str) -> None:
    if not address:
        await targets.remove(transaction, target.target_id)
        await deliveries.suppress_waiting_for(
            transaction, target.target_id, Suppression.TARGET_REMOVED
        )
        return
    await targets.readdress(transaction, target.target_id, address)
    if address != target.address:
        # It is still the same setting's address: what waits goes to the new one.
        await deliveries.readdress(transaction, target.target_id, masked(target.channel, address))
