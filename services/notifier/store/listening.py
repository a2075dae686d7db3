"""Reads who is told, and what they want to be told, all at one moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.exchange import Answers, Question, exchange
from services.notifier.domain.scope import INSTALLATION, Scope
from services.notifier.domain.settings import Layers
from services.notifier.domain.silence import Silence
from services.notifier.domain.target import Target
from services.notifier.store import settings, silences, targets
from services.notifier.store.now import CLOCK


@dataclass(frozen=True, slots=True)
class Listening:
    """What decides who is told; the settings are held, and with them the targets."""

    layers: Layers
    targets: Sequence[Target]
    silences: Sequence[Silence]
    now: datetime


async def held_still(session: AsyncSession, scopes: Collection[Scope]) -> Listening:
    """Gives what decides in scopes, and keeps settings and targets from changing until the commit."""
    return found(await exchange(session, holding_still(scopes)))


def holding_still(scopes: Collection[Scope]) -> list[Question]:
    """Gives the statements of `held_still`; the settings come first, and then nothing changes."""
    locations = {each.location_id for each in (INSTALLATION, *scopes)}
    return [
        settings.holding_still(scopes),
        targets.asking_for(locations),
        silences.asking_active(locations),
        Question(CLOCK),
    ]


def found(answers: Answers) -> Listening:
    """Gives what the statements found."""
    return Listening(
        layers=settings.by_scope(answers[settings.HOLD_STILL]),
        targets=[targets.target_of(row) for row in answers[targets.OF]],
        silences=silences.found(answers[silences.ACTIVE]),
        now=answers[CLOCK][0][0],
    )
