"""Signed links in mails: whoever has one may do one thing, for a while, without signing in."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from libs import problems
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.target import Target

LONGEST = 1000
VALID_FOR = timedelta(days=7)
UNSUBSCRIBE_FOR = timedelta(days=90)
"""Mails are kept, and whoever wants no more of them must be able to say so late."""

BY_LINK = "by the link in a mail"
_PURPOSE = b"runwarden links v1"


class LinkBroken(problems.NotFound):
    """The link is not whole, or not one of this installation; open it from the mail once more."""

    reason = "LINK_BROKEN"


class LinkExpired(problems.WrongState):
    """The link is too old; open the newest mail, or sign in."""

    reason = "LINK_EXPIRED"


class Act(StrEnum):
    """What a link does."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link allows, and to whom it was sent."""

    act: Act
    location_id: str
    target_id: str
    incident_id: str
    """Empty where the link is about the target itself."""

    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Followed:
    """What a link is about, as it is now."""

    given: Pass
    target: Target
    incident: Incident | None

    @property
    def actor(self) -> str:
        """Who follows it: whoever reads the mail at the address it was sent to."""
        return f"{self.target.address} {BY_LINK}"

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do for it."""
        incident = self.incident
        if incident is None:
            return self.target.disabled_by_people
        if incident.status is not IncidentStatus.OPEN:
            return True
        match self.given.act:
            case Act.ACKNOWLEDGE:
                return incident.acknowledged_at is not None
            case Act.SNOOZE:
                return incident.looked_after
            case _:
                return False


class Passes:
    """Writes and reads links; the first key signs, all are believed."""

    def __init__(self, keys: Sequence[str], frontend_url: str) -> None:
        self._keys = [hmac.new(key.encode(), _PURPOSE, hashlib.sha256).digest() for key in keys]
        self._root = frontend_url.rstrip("/")

    def link(self, given: Pass) -> str:
        """Gives the address that does what a pass allows; of the same pass always the same."""
        until = int(given.expires_at.timestamp())
        facts = [given.act, given.location_id, given.target_id, given.incident_id, until]
        told = json.dumps(facts, separators=(",", ":")).encode()
        signature = hmac.new(self._keys[0], told, hashlib.sha256).digest()
        return f"{self._root}/a/{_text(told)}.{_text(signature)}"

    def read(self, token: str, now: datetime) -> Pass:
        """Gives what a link allows; raises `LinkBroken` or `LinkExpired`."""
        try:
            told, signature = (_bytes(part) for part in token[:LONGEST].split("."))
        except ValueError as error:
            raise LinkBroken from error
        if not any(self._signed(key, told, signature) for key in self._keys):
            raise LinkBroken
        act, location_id, target_id, incident_id, until = json.loads(told)
        expires_at = datetime.fromtimestamp(until, UTC)
        if now >= expires_at:
            raise LinkExpired
        return Pass(Act(act), location_id, target_id, incident_id, expires_at)

    @staticmethod
    def _signed(key: bytes, told: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.new(key, told, hashlib.sha256).digest(), signature)


def _text(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Reads what `_text` wrote, and nothing else: of each token there is one spelling."""
    told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(told) != text:
        raise ValueError(text)
    return told
