"""Encryption at rest."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SecretBox:
    """Encrypts with the first key and decrypts with any, so keys can be rotated.

    A key is any text of high entropy; 32 bytes are derived from it by SHA-256.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one encryption key is needed")
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Gives back what was sealed; ValueError when no key fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise ValueError("no encryption key fits; was one removed too early?") from error


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
