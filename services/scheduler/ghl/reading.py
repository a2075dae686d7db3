"""Reads JSON that others wrote: lenient to what is not needed, bounded in what is."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from services.scheduler.domain.definition import values
from services.scheduler.ghl.problems import GhlAnswerUnreadable

DEEPEST = 64
LONGEST_TEXT = 500
LARGEST_WHOLE = 2**31 - 1

Fields = Mapping[str, object]

_DIGITS = re.compile(r"[0-9]{1,10}")
_ID = re.compile(r"[!-~]{1,200}")


def decoded(body: bytes) -> object:
    """Gives the value of a JSON text that is at most 64 levels deep."""
    try:
        value = _value_of(body)
    except (msgspec.MsgspecError, ValueError):
        raise GhlAnswerUnreadable("GoHighLevel answered with something that is no JSON.") from None
    except RecursionError:
        raise GhlAnswerUnreadable("GoHighLevel answered with JSON that is too deep.") from None
    if values.deeper_than(DEEPEST, value):
        raise GhlAnswerUnreadable("GoHighLevel answered with JSON that is too deep.")
    return value


def decoded_fields(body: bytes) -> Fields:
    """Gives the fields of a JSON object."""
    value = decoded(body)
    if not isinstance(value, dict):
        raise GhlAnswerUnreadable("GoHighLevel answered with JSON that is no object.")
    return value


def identifier(fields: Fields, *names: str) -> str:
    """Gives the id under the first of the names that has one (default: `id`); else nothing."""
    for name in names or ("id", "_id"):
        value = fields.get(name)
        if isinstance(value, str) and _ID.fullmatch(value):
            return value
    return ""


def text(fields: Fields, name: str) -> str:
    """Gives a text that can be stored and shown; empty when there is none."""
    value = fields.get(name)
    return value.replace("\0", "")[:LONGEST_TEXT] if isinstance(value, str) else ""


def whole(fields: Fields, name: str) -> int | None:
    """Gives a whole number that is not negative, also from `7.0` and `"7"`."""
    value = fields.get(name)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= LARGEST_WHOLE and value == int(value) else None


def moment(fields: Fields, name: str) -> datetime | None:
    """Gives a time in UTC, also when it was written without a zone."""
    value = fields.get(name)
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def entries(value: object) -> Iterable[object]:
    """Gives the entries of a list, none when it is not one."""
    return value if isinstance(value, list) else ()


def _value_of(body: bytes) -> object:
    """Replaces broken characters: a name that was cut within an emoji must not hide the rest."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        value = json.loads(body.decode(errors="replace"))
        return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
