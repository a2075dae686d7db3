"""Pages: how large one may be, and tokens that say where the next one starts."""

import base64
import hashlib
import json
from collections.abc import Mapping

from libs import problems

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 500


class PageSizeNegative(problems.InvalidRequest):
    """The page size must be 0 (which means 50) or more."""

    reason = "PAGE_SIZE_NEGATIVE"


class PageTokenWrong(problems.InvalidRequest):
    """The page token is not one of this list's, or was used with other filters; start over without it."""

    reason = "PAGE_TOKEN_WRONG"


def page_size(asked: int) -> int:
    """Gives the size of the page: 50 for 0, at most 500, never negative."""
    if asked < 0:
        raise PageSizeNegative.at("page_size")
    return min(asked or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)


def token(query: Mapping[str, object], position: list[str | int | float]) -> str:
    """Gives the token of the page after `position`, bound to the query's filters."""
    content = json.dumps([_digest(query), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def position(query: Mapping[str, object], page_token: str) -> list[str | int | float] | None:
    """Reads the position out of a token; None for the first page."""
    if not page_token:
        return None
    try:
        padded = page_token + "=" * (-len(page_token) % 4)
        digest, found = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, RecursionError) as error:
        raise PageTokenWrong.at("page_token") from error
    if digest != _digest(query) or not isinstance(found, list):
        raise PageTokenWrong.at("page_token")
    return found


def _digest(query: Mapping[str, object]) -> str:
    canonical = json.dumps(query, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
