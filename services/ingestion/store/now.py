"""The time, as the database tells it."""

import time
from datetime import datetime, timedelta

from libs.db.exchange import Question, Transaction, exchange

CLOCK = "SELECT clock_now()"


async def now(transaction: Transaction) -> datetime:
    """Gives the time the transaction began; the same for all its statements."""
    answers = await exchange(transaction, [Question(CLOCK)])
    moment: datetime = answers[CLOCK][0][0]
    return moment


class GuessedClock:
    """What time it must be in the database, since it was asked the last time."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None

    def note(self, at: datetime) -> None:
        """Notes what the database has just said."""
        self._told = at, time.monotonic()

    def now(self) -> datetime | None:
        """Gives a time that is a little early, for the answer was on its way; None before the first."""
        if self._told is None:
            return None
        at, heard = self._told
        return at + timedelta(seconds=time.monotonic() - heard)
