"""Makes a message into deliveries: one for each target, or one that says why there is none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from libs.ids import new_id
from services.notifier.domain.decision import Audience, Suppression, deafness
from services.notifier.domain.delivery import Draft
from services.notifier.domain.event import Kind
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


class Addressing:
    """Writes the address on what is told."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits

    def to_all(self, notice: Notice, kind: Kind, audience: Audience) -> Sequence[Draft]:
        """Gives what tells everybody who wants to hear of such events."""
        silence = audience.silence_for(kind)
        if silence:
            return [silenced(notice, silence)]
        return [self._to(notice, each) for each in audience.targets]

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
            return [silenced(notice, Suppression.ALERTS_DISABLED)]
        there = {each.target_id: each for each in audience.targets}
        return [self._to(notice, there.get(each), hold) for each in told]

    def _to(self, notice: Notice, target: Target | None, hold: timedelta = timedelta(0)) -> Draft:
        if target is None:
            return silenced(notice, Suppression.TARGET_REMOVED)
        if target.disabled:
            return silenced(notice, Suppression.TARGET_DISABLED, target)
        if deaf := deafness(target, notice.message):
            return silenced(notice, deaf, target)
        calm = lane_of(notice.message) is Lane.CALM
        wait = hold or (self._waits.group if calm else timedelta(0))
        return replace(_draft(notice, target), wait=wait, held=hold > timedelta(0))


def silenced(notice: Notice, because: Suppression, target: Target | None = None) -> Draft:
    """Gives a delivery that is not sent, and says why."""
    return _draft(notice, target, because)


def _draft(notice: Notice, target: Target | None, because: Suppression | None = None) -> Draft:
    return Draft(
        delivery_id=new_id(),
        location_id=notice.location_id,
        incident_id=notice.incident_id,
        event_id=notice.event_id,
        message=notice.message,
        target=target,
        suppressed_because=because,
    )
