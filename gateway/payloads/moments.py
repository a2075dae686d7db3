"""Points in time as callers write them."""

import math
from datetime import UTC, datetime

_MILLISECONDS_FROM = 1e11
"""As seconds this is the year 5138, as milliseconds 1973: so a larger number is milliseconds."""


def moment(value: object) -> datetime | None:
    """Gives the time out of RFC 3339 or of seconds or milliseconds since 1970; None if neither.

    A time without a zone is another moment on another clock, so it is none.
    """
    if isinstance(value, str):
        return _written(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(value)
    return None


def _written(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except OverflowError:
        return None
    except ValueError:
        return _since_1970(float(text)) if _is_number(text) else None


def _since_1970(number: float) -> datetime | None:
    try:
        seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()
