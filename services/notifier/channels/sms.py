"""Tells a telephone: one SMS through Twilio.

The form is that of https://www.twilio.com/docs/messaging/api/message-resource, the codes those
of https://www.twilio.com/docs/api/errors.
"""

import json
import re
from base64 import b64encode
from urllib.parse import urlencode

from libs.clock import Clock
from libs.problems import InvalidRequest
from services.notifier.channels.answers import answered, outcome_of
from services.notifier.channels.egress import Answer, Egress
from services.notifier.domain import gsm
from services.notifier.domain.delivery import Frozen, Parcel
from services.notifier.domain.message import Message
from services.notifier.domain.retry import Outcome, Verdict
from services.notifier.domain.target import Target

STOPPED = 21610
"""The telephone answered STOP: it may not be sent anything again."""

REFUSED = (21211, 21408, 21612, 21614)
"""The number is none, is no mobile, cannot be reached, or lies where the account may not send."""

CREATED = 201

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class PhoneMalformed(InvalidRequest):
    """Give a telephone number like +15551234567: a plus, the country, at most 15 digits."""

    reason = "PHONE_MALFORMED"


class SmsChannel:
    """Asks Twilio to send one segment, 160 characters, with an account of the user's own."""

    def __init__(self, egress: Egress, clock: Clock, url: str) -> None:
        self._egress = egress
        self._clock = clock
        self._url = url.rstrip("/")

    def check(self, address: str) -> None:
        if not _NUMBER.fullmatch(address):
            raise PhoneMalformed.at("target.address")

    def freeze(self, message: Message, target: Target) -> Frozen:  # noqa: ARG002
        tag, link = f"[{message.tag}] ", f" {message.link}"
        place = message.place
        named = gsm.spelled(f"{message.title} ({place})" if place else message.title)
        room = gsm.LONGEST - gsm.length(tag)
        if gsm.spelled(link).strip() != message.link or gsm.length(link) > room // 2:
            link = ""
        room -= gsm.length(link)
        number = message.suppressed_since_last
        with_quiet = f"{named} (+{number} while quiet)" if number else named
        if gsm.length(with_quiet) <= room:
            named = with_quiet
        return Frozen(subject=message.subject, text=tag + gsm.shortened(named, room) + link)

    async def send(self, parcel: Parcel) -> Outcome:
        now = self._clock.now()
        account = json.loads(parcel.secrets[0])
        signed_in = b64encode(f"{account['account_sid']}:{account['auth_token']}".encode()).decode()
        sender = parcel.options["sender"]
        form = {
            "To": parcel.address,
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
            "Body": parcel.frozen.text,
        }
        post = self._egress.post(
            f"{self._url}/2010-04-01/Accounts/{account['account_sid']}/Messages.json",
            headers={
                "Authorization": f"Basic {signed_in}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
        )
        answer = await answered(post)
        if isinstance(answer, Answer):
            return outcome_of(answer, now, _verdict_on(answer))
        # Without an answer it may have been sent, and a second one costs and wakes again.
        return _unsure(answer) if answer.verdict is Verdict.LATER else answer


def _verdict_on(answer: Answer) -> Verdict | None:
    """Gives what Twilio's own code says; None where the status says it all."""
    if answer.status == CREATED:
        return Verdict.DELIVERED
    try:
        told = json.loads(answer.excerpt)
    except ValueError:
        return None
    code = told.get("code") if isinstance(told, dict) else None
    if code == STOPPED:
        return Verdict.GONE
    return Verdict.REFUSED if code in REFUSED else None


def _unsure(outcome: Outcome) -> Outcome:
    return Outcome(Verdict.UNSURE, outcome.detail, at_least=outcome.at_least)
