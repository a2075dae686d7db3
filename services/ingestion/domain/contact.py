"""Whom a run was about: known again by a keyed hash, and by nothing else."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

REF_BYTES = 16
PURPOSE = b"contact"


@dataclass(frozen=True, slots=True)
class ForgottenRun:
    """A run of a forgotten contact, with the run id that it had."""

    execution_id: str
    run_id: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was kept of a contact."""

    executions: int
    unread_deliveries: int


class ContactRefs:
    """Turns the ids of contacts into references that only these keys can make.

    The first key makes new ones, all of them find old ones, so keys can be
    rotated. The same contact has another reference in every location.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._hashes = [_keyed(hashlib.sha256(key.encode()).digest()) for key in keys]

    def newest(self, location_id: str, contact_id: str) -> str | None:
        """Gives the reference to keep; None for no contact."""
        return _ref(self._hashes[0], location_id, contact_id) if contact_id else None

    def all(self, location_id: str, contact_id: str) -> tuple[str, ...]:
        """Gives every reference under which a contact may be kept; none for no contact."""
        hashes = self._hashes if contact_id else ()
        return tuple(_ref(each, location_id, contact_id) for each in hashes)


def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=REF_BYTES, key=key, person=PURPOSE)


def _ref(keyed: hashlib.blake2b, location_id: str, contact_id: str) -> str:
    digest = keyed.copy()  # it has read its key, which takes as long as reading whom
    digest.update(f"{location_id}\0{contact_id}".encode())
    return digest.hexdigest()  # PostgreSQL takes a UUID without hyphens too
