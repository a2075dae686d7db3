"""The time, as the database tells it."""

from datetime import datetime

from libs.db.exchange import Question, Transaction, exchange

CLOCK = "SELECT clock_now()"


async def now(transaction: Transaction) -> datetime:
    """Gives the time the transaction began; the same for all its statements."""
    answers = await exchange(transaction, [Question(CLOCK)])
    moment: datetime = answers[CLOCK][0][0]
    return moment
