"""Makes a message into deliveries: one for each target, or one that says why there is none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from libs.ids import new_id
from services.notifier.domain.decision import Audience, Hold, Mute, Suppression, deafness
from services.notifier.domain.delivery import Draft
from services.notifier.domain.digest import Digest, next_digest
from services.notifier.domain.message import Message
from services.notifier.domain.pace import Lane, Waits, lane_of
from services.notifier.domain.target import Target


@dataclass(frozen=True, slots=True)
class Notice:
    """A message, and what it is about."""

    message: Message
    location_id: str
    event_id: str | None
    incident_id: str | None
    prompt: bool = False
    """Whether it waits for no digest: the end of something urgent."""


CATCHING_UP = (Hold.QUIET_HOURS, Hold.DIGEST)
"""What is held for these comes with a title that says so."""


class Addressing:
    """Writes the address on what is told."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits

    def to_all(
        self, notice: Notice, audience: Audience, *, waiting: Collection[str] = ()
    ) -> Sequence[Draft]:
        """Gives what tells everybody who is to hear of it; that it is not muted is known.

        Those for whom something of the same waits already need not be told again.
        """
        return [
            unsent(notice, mute, each)
            if (mute := _spared(each, audience, waiting))
            else self._to(notice, each, audience)
            for each in audience.targets
        ]

    def to_those(
        self,
        notice: Notice,
        told: Collection[str],
        audience: Audience,
        *,
        hold: timedelta = timedelta(0),
    ) -> Sequence[Draft]:
        """Gives what tells certain targets, as far as they are still there, after a hold."""
        if not told:
            return []
        if not audience.settings.enabled:
            return [unsent(notice, Mute(Suppression.ALERTS_DISABLED))]
        there = {each.target_id: each for each in audience.known}
        return [self._to(notice, there.get(each), audience, hold) for each in told]

    def _to(
        self,
        notice: Notice,
        target: Target | None,
        audience: Audience,
        hold: timedelta = timedelta(0),
    ) -> Draft:
        if target is None:
            return unsent(notice, Mute(Suppression.TARGET_REMOVED))
        if target.disabled:
            return unsent(notice, Mute(Suppression.TARGET_DISABLED), target)
        if deaf := deafness(target, notice.message):
            return unsent(notice, Mute(deaf), target)
        lane = lane_of(notice.message)
        wait, because = self._wait(lane, audience, hold)
        if target.digest is not Digest.OFF and lane is not Lane.URGENT and not notice.prompt:
            zone = ZoneInfo(audience.settings.timezone)
            until = next_digest(target.digest, zone, audience.now + wait)
            until = audience.settings.quiet_until(until) or until
            wait, because = until - audience.now, Hold.DIGEST
        draft = replace(_draft(notice, target), wait=wait, held_because=because)
        if because not in CATCHING_UP:
            return draft
        return replace(draft, message=replace(notice.message, held_because=because))

    def _wait(
        self, lane: Lane, audience: Audience, hold: timedelta
    ) -> tuple[timedelta, Hold | None]:
        """Gives how long a message waits, and why if not only for company."""
        wait = hold or (self._waits.group if lane is Lane.CALM else timedelta(0))
        if lane is not Lane.URGENT or audience.settings.quiet_hours_hold_critical:
            until = audience.settings.quiet_until(audience.now + wait)
            if until:
                return until - audience.now, Hold.QUIET_HOURS
        return wait, Hold.SETTLING if hold else None


def _spared(target: Target, audience: Audience, waiting: Collection[str]) -> Mute | None:
    if target.target_id in waiting:
        return Mute(Suppression.ALREADY_WAITING)
    spared = audience.hears_of_spread(target)
    return Mute(Suppression.INHIBITED, audience.spread_by) if spared else None


def unsent(notice: Notice, mute: Mute, target: Target | None = None) -> Draft:
    """Gives a delivery that is not sent, and says why."""
    return _draft(notice, target, mute)


def _draft(notice: Notice, target: Target | None, mute: Mute | None = None) -> Draft:
    return Draft(
        delivery_id=new_id(),
        location_id=notice.location_id,
        incident_id=notice.incident_id,
        event_id=notice.event_id,
        message=notice.message,
        target=target,
        mute=mute,
    )
