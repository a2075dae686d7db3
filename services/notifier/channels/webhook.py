"""Tells programs: signed JSON to a URL the user gave."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from libs.clock import Clock
from libs.problems import InvalidRequest
from services.notifier.channels.egress import Answer, DestinationForbidden, Egress, NoAnswer
from services.notifier.channels.signing import headers_for
from services.notifier.domain import template
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import LONGEST_RETRY_AFTER, SLOW_DOWN, Outcome, Verdict
from services.notifier.domain.target import Target

OK, REDIRECTS, FAULTS = 200, 300, 500
GONE, TOO_MANY = 410, 429
PASSING = (408, 425, TOO_MANY)


class WebhookChannel:
    """Posts each message as signed JSON."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> None:
        self._egress.check(address, "target.address")

    def freeze(self, message: Message, target: Target) -> Frozen:
        if target.body_template:
            body = template.filled(target.body_template, message)
            return Frozen(subject=message.subject, body=body)
        body = json.dumps(message.document, ensure_ascii=False, separators=(",", ":")).encode()
        return Frozen(subject=message.subject, body=body)

    async def send(self, parcel: Parcel) -> Outcome:
        now = self._clock.now()
        body = parcel.frozen.body
        headers = headers_for(parcel.secrets, parcel.message_id, now, body)
        headers["Content-Type"] = "application/json"
        try:
            answer = await self._egress.post(parcel.address, headers=headers, body=body)
        except NoAnswer as error:
            least = SLOW_DOWN if error.timed_out else timedelta(0)
            return Outcome(Verdict.LATER, str(error), at_least=least)
        except (DestinationForbidden, InvalidRequest) as error:
            return Outcome(Verdict.DOUBTFUL, f"Not sent: {error}")
        return _outcome_of(answer, now)


def _outcome_of(answer: Answer, now: datetime) -> Outcome:
    detail = f"HTTP {answer.status}: {answer.excerpt}".removesuffix(": ")
    least = SLOW_DOWN if answer.status == TOO_MANY else timedelta(0)
    wished = min(_wished_wait(answer.retry_after, now), LONGEST_RETRY_AFTER)
    return Outcome(_verdict_on(answer.status), detail, answer.status, max(least, wished))


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
