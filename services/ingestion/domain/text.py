"""Texts as PostgreSQL and the contract can carry them."""

from uuid import UUID


def storable(text: str) -> str:
    """Gives the text without U+0000, which PostgreSQL refuses."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def cut(text: str, limit: int) -> str:
    """Gives as much of a text as fits into `limit` bytes of UTF-8, whole characters only."""
    if text.isascii():
        return text[:limit]
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def is_id(text: str) -> bool:
    """Says whether a text can be an id of ours."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
