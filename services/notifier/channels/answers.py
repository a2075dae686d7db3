"""What the answer to a post means, for every channel that posts over HTTP."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from libs.problems import InvalidRequest
from services.notifier.channels.egress import Answer, DestinationForbidden, NoAnswer
from services.notifier.domain.retry import LONGEST_RETRY_AFTER, SLOW_DOWN, Outcome, Verdict

OK, REDIRECTS, FAULTS = 200, 300, 500
GONE, TOO_MANY = 410, 429
PASSING = (408, 425, TOO_MANY)


async def answered(post: Awaitable[Answer]) -> Answer | Outcome:
    """Gives the answer to a post, or what it came to when there was none."""
    try:
        return await post
    except NoAnswer as error:
        least = SLOW_DOWN if error.timed_out else timedelta(0)
        return Outcome(Verdict.LATER, str(error), at_least=least)
    except (DestinationForbidden, InvalidRequest) as error:
        return Outcome(Verdict.DOUBTFUL, f"Not sent: {error}")


def outcome_of(answer: Answer, now: datetime, verdict: Verdict | None = None) -> Outcome:
    """Gives what an answer came to; a verdict where the channel knows better than its status."""
    detail = f"HTTP {answer.status}: {answer.excerpt}".removesuffix(": ")
    least = SLOW_DOWN if answer.status == TOO_MANY else timedelta(0)
    wished = min(_wished_wait(answer.retry_after, now), LONGEST_RETRY_AFTER)
    found = verdict or _verdict_on(answer.status)
    return Outcome(found, detail, answer.status, max(least, wished))


def _verdict_on(status: int) -> Verdict:
    if OK <= status < REDIRECTS:
        return Verdict.DELIVERED
    if status == GONE:
        return Verdict.GONE
    if status in PASSING or status >= FAULTS:
        return Verdict.LATER
    return Verdict.DOUBTFUL


def _wished_wait(retry_after: str, now: datetime) -> timedelta:
    """Reads `Retry-After`, seconds or a date; zero when it says nothing one can use."""
    try:
        if retry_after.isascii() and retry_after.isdigit():
            return timedelta(seconds=int(retry_after[:9]))
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return timedelta(0)
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))
