"""API keys: what one looks like, what of it is stored, and what can be wrong with one."""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from gateway.access.callers import Caller, Scope
from libs import problems
from libs.ids import new_id

_ALPHABET = string.digits + string.ascii_letters
_RANDOM_LENGTH = 32
"""190 bits: nobody guesses it, so a plain SHA-256 is enough to store."""
_CHECKSUM_LENGTH = 6
_SHOWN_LENGTH = 6
_SHAPE = re.compile(
    rf"(rw_(?:{'|'.join(Scope)})_[0-9A-Za-z]{{{_RANDOM_LENGTH}}})_([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


class KeyMissing(problems.Unauthenticated):
    """Send an API key as `Authorization: Bearer rw_…` or as `X-Api-Key`."""

    reason = "KEY_MISSING"


class KeyMalformed(problems.Unauthenticated):
    """The API key is cut off or has a typing error; copy it again, whole."""

    reason = "KEY_MALFORMED"


class KeyUnknown(problems.Unauthenticated):
    """The API key is not one of this installation; make one under settings, keys."""

    reason = "KEY_UNKNOWN"


class KeyRevoked(problems.Unauthenticated):
    """The API key was revoked; use another one."""

    reason = "KEY_REVOKED"


class KeyExpired(problems.Unauthenticated):
    """The API key has expired; make a new one."""

    reason = "KEY_EXPIRED"


class KeyNotFound(problems.NotFound):
    """There is no key with this id here."""

    reason = "KEY_NOT_FOUND"


class KeyNameWrong(problems.InvalidRequest):
    """A key needs a name of 1 to 100 characters that says who uses it."""

    reason = "KEY_NAME_WRONG"


class KeyExpiryPast(problems.InvalidRequest):
    """The expiry of a new key must lie in the future."""

    reason = "KEY_EXPIRY_PAST"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed; the secret itself is nowhere."""

    key_id: str
    name: str
    prefix: str
    """The first characters of the secret, to tell keys apart."""
    scope: Scope
    location_id: str | None
    """None is the whole agency."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """Written at most once a minute."""

    def caller(self) -> Caller:
        """Gives who calls with this key."""
        return Caller(self.key_id, self.name, self.scope, self.location_id)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored."""

    key_id: str
    key_hash: bytes
    prefix: str
    name: str
    scope: Scope
    location_id: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, secret: str, name: str, scope: Scope) -> Self:
        """Gives what is stored of a new secret."""
        return cls(new_id(), digest(secret), prefix_of(secret), name, scope)


def new_secret(scope: Scope) -> str:
    """Gives a new key, `rw_<scope>_<random>_<checksum>`."""
    body = f"rw_{scope}_{random_text()}"
    return f"{body}_{_checksum(body)}"


def random_text() -> str:
    """Gives letters and digits that nobody guesses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))


def checked_secret(secret: str | None) -> str:
    """Gives the key when it can be one; raises `KeyMissing` or `KeyMalformed`.

    The checksum tells a typing error from a key that is not known, without
    asking the database.
    """
    if not secret:
        raise KeyMissing
    shape = _SHAPE.fullmatch(secret)
    if shape is None or _checksum(shape[1]) != shape[2]:
        raise KeyMalformed
    return secret


def digest(secret: str) -> bytes:
    """Gives what is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def prefix_of(secret: str) -> str:
    """Gives the part of a key that may be shown."""
    return secret[: secret.index("_", 3) + 1 + _SHOWN_LENGTH]


def presented(authorization: str | None, api_key: str | None) -> str | None:
    """Gives the key out of the two headers it may come in; None when it is in neither."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return (api_key or "").strip() or None


def _checksum(body: str) -> str:
    left, text = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        left, digit = divmod(left, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
