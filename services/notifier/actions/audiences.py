"""Finds whom the scopes of a transaction want to be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.notifier.domain.decision import Audience
from services.notifier.domain.scope import Scope
from services.notifier.domain.settings import AlertSettings, Layers, effective
from services.notifier.domain.silence import Silence
from services.notifier.domain.target import ADDRESSES, Target
from services.notifier.store import Transaction, listening
from services.notifier.store.listening import Listening


@dataclass(frozen=True, slots=True)
class Audiences:
    """What several scopes want to be told, and their targets."""

    layers: Layers
    targets: Mapping[str, Sequence[Target]]
    silences: Sequence[Silence]
    built_in: AlertSettings
    now: datetime
    _found: dict[Scope, Audience] = field(default_factory=dict)

    def of(self, scope: Scope) -> Audience:
        """Gives whom a scope wants to be told; it is among those that were held, or above one."""
        if scope not in self._found:
            self._found[scope] = self._of(scope)
        return self._found[scope]

    def _of(self, scope: Scope) -> Audience:
        holding = effective(scope, self.layers, self.built_in)
        told = [*self._addresses(holding), *self._others(scope)]
        return Audience(
            settings=holding,
            targets=told,
            known=[each for location in self.targets.values() for each in location],
            silences=self.silences,
            now=self.now,
        )

    def _addresses(self, holding: AlertSettings) -> Sequence[Target]:
        """Gives the targets that the addresses of the settings are, of whatever level."""
        path = holding.scope.path
        at = {each.level: each for each in path}
        wanted = {
            (at[holding.origins[name]], channel)
            for channel, name in ADDRESSES.items()
            if getattr(holding, name)
        }
        there = [each for scope in path for each in self._settings_of(scope)]
        return [each for each in there if (each.scope, each.channel) in wanted]

    def _others(self, scope: Scope) -> Sequence[Target]:
        there = self.targets.get(scope.location_id, ())
        return [each for each in there if not each.is_setting]

    def _settings_of(self, scope: Scope) -> Sequence[Target]:
        there = self.targets.get(scope.location_id, ())
        return [each for each in there if each.is_setting and each.scope == scope]


async def held_still(
    transaction: Transaction, scopes: Collection[Scope], built_in: AlertSettings
) -> Audiences:
    """Gives whom scopes want to be told, and keeps that from changing until the commit."""
    return of(await listening.held_still(transaction, scopes), built_in)


def of(found: Listening, built_in: AlertSettings) -> Audiences:
    """Gives whom the scopes want to be told for which that was found."""
    by_location: dict[str, list[Target]] = {}
    for each in found.targets:
        by_location.setdefault(each.location_id, []).append(each)
    return Audiences(found.layers, by_location, found.silences, built_in, found.now)
