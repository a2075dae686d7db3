"""Twilio's messages on loopback: signs in, takes one segment, and answers with Twilio's codes.

After https://www.twilio.com/docs/messaging/api/message-resource.
"""

import base64
import json
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.support.receivers import Answer, Receiver

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "a token of the tests"
SENDER = "+15550001111"
INVALID, OPTED_OUT = "+15005550001", "+15005550004"
"""Numbers that are refused, the first one as Twilio's own test credentials refuse it."""


@dataclass(frozen=True)
class Sms:
    """A message as it was handed in."""

    to: str
    sender: str
    body: str


class Twilio(Receiver):
    """One account."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.messages: list[Sms] = []

    def _usual(self) -> Answer:
        request = self.requests[-1]
        given = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {given}":
            return problem(401, 20003, "Authenticate")
        if request.path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return problem(404, 20404, "The requested resource was not found")
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        sms = Sms(form["To"], form.get("From") or form["MessagingServiceSid"], form["Body"])
        if sms.to == INVALID:
            return problem(400, 21211, f"The 'To' number {sms.to} is not a valid phone number.")
        if sms.to == OPTED_OUT:
            return problem(400, 21610, "Attempt to send to unsubscribed recipient")
        self.messages.append(sms)
        told = {"sid": f"SM{len(self.messages):032}", "status": "queued", "num_segments": "1"}
        return _json(201, told)


def problem(status: int, code: int, message: str) -> Answer:
    """Gives an answer as Twilio words it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json(status, {"code": code, "message": message, "more_info": more, "status": status})


def _json(status: int, told: dict) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, [json.dumps(told).encode()])
