"""Is it HighLevel? Ed25519 over the exact bytes of a body, in the header `X-GHL-Signature`."""

import re
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from libs.problems import CannotStart, Unauthenticated

LENGTH = 64
KEY_LENGTH, SPKI_LENGTH = 32, 44
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", re.DOTALL)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class SignatureWrong(Unauthenticated):
    """Neither an API key came with the request nor a signature of HighLevel (`X-GHL-Signature`) that fits its body; send an API key."""

    reason = "SIGNATURE_WRONG"


class PublicKeyUnreadable(CannotStart):
    """A public key cannot be read."""


class Signatures:
    """Knows the public keys of whoever may sign."""

    def __init__(self, keys: Sequence[Ed25519PublicKey]) -> None:
        self._keys = keys

    def check(self, signature: bytes, body: bytes) -> None:
        """Raises `SignatureWrong` unless one of the keys signed exactly this body."""
        if not any(_fits(key, signature, body) for key in self._keys):
            raise SignatureWrong


def presented(header: str) -> bytes:
    """Gives the signature in a header; raises `SignatureWrong` for what cannot be one.

    HighLevel writes `N/A` where it has none, which is no signature either.
    """
    try:
        signature = b64decode(header, validate=True)
    except ValueError:
        raise SignatureWrong from None
    if len(signature) != LENGTH:
        raise SignatureWrong
    return signature


def public_keys(given: Sequence[str]) -> list[Ed25519PublicKey]:
    """Reads the keys of the setting; raises `PublicKeyUnreadable`, so that none is left out."""
    return [key for number, each in enumerate(given, 1) for key in _keys_in(each, number)]


def _fits(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body)
    except Exception:  # noqa: BLE001  whatever it is, nobody has proved anything
        return False
    return True


def _keys_in(text: str, number: int) -> list[Ed25519PublicKey]:
    try:
        return [_key(each) for each in _encoded(text)]
    except (ValueError, TypeError, OSError, UnsupportedAlgorithm) as error:
        raise PublicKeyUnreadable(
            f"GATEWAY_HIGHLEVEL_KEYS: key {number} cannot be read ({error}). Give an Ed25519 public "
            "key as a PEM file or its text, as base64 or as hex; docs/ghl-setup.md has HighLevel's. "
            "Leave the setting empty to accept API keys only."
        ) from error


def _encoded(text: str) -> list[bytes]:
    """Gives the bytes of the keys in a text, or in the file it names."""
    if raw := _raw(text):
        return [raw]
    pem = text if "-----BEGIN" in text else Path(text).read_text()
    blocks = _PEM.findall(pem.replace("\\n", "\n"))
    if not blocks:
        raise ValueError("no `-----BEGIN PUBLIC KEY-----` in it")
    return [b64decode("".join(each.split()), validate=True) for each in blocks]


def _raw(text: str) -> bytes | None:
    try:
        raw = bytes.fromhex(text) if _HEX.fullmatch(text) else b64decode(text, validate=True)
    except ValueError:
        return None  # the name of a file, or PEM
    return raw if len(raw) in (KEY_LENGTH, SPKI_LENGTH) else None


def _key(raw: bytes) -> Ed25519PublicKey:
    if len(raw) == KEY_LENGTH:
        return Ed25519PublicKey.from_public_bytes(raw)
    key = load_der_public_key(raw)
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("it is a public key of another kind")
    return key
