"""How many attempts are made at once, so that those who hang leave room for those who answer."""

from dataclasses import dataclass
from datetime import timedelta

SLOTS = 32
"""Attempts at once that have not lasted long."""

LINGERS_AFTER = timedelta(seconds=1)
MOST_LINGERING = 64
"""Attempts that last longer than that leave their slot to others, so many of them."""

MOST_UNPROVEN = 24
"""Attempts at once at targets that are not known to work: that failed last, or never took anything."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be claimed next."""

    most: int
    proven_only: bool
    """Whether only for targets that are known to work."""


def room(*, quick: int, lingering: int, unproven: int) -> Room:
    """Gives what may be claimed beside the attempts that are under way.

    `quick` and `lingering` are all of them, `unproven` those among both whose target
    is not known to work.
    """
    free = max(0, SLOTS - quick - max(0, lingering - MOST_LINGERING))
    doubtful = max(0, MOST_UNPROVEN - unproven)
    return Room(min(free, doubtful), False) if doubtful else Room(free, True)
