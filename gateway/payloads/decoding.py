"""JSON as it really arrives, within bounds."""

import json
from typing import Any

import msgspec

from gateway.payloads.problems import (
    DEEPEST,
    MOST_FIELDS,
    BodyEmpty,
    BodyNotJson,
    BodyTooDeep,
    BodyTooWide,
    NameTwice,
)


def strictly(body: bytes) -> Any:
    """Gives the value of a JSON text; raises `BodyEmpty`, `BodyNotJson` or `BodyTooDeep`."""
    if not body.strip():
        raise BodyEmpty
    try:
        return msgspec.json.decode(body)
    except RecursionError as error:
        raise BodyTooDeep from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BodyNotJson from error


def leniently(body: bytes) -> Any:
    """Gives the value of what was meant to be JSON; raises what `strictly` raises.

    Merge fields put line breaks and broken characters into texts, and some
    programs write NaN and a byte order mark: none of these loses the run.
    """
    try:
        return strictly(body)
    except BodyNotJson:
        return _tolerantly(body)


def exactly(body: bytes) -> Any:
    """Gives the value of a JSON text that everybody reads the same way.

    Raises what `strictly` raises, and `NameTwice`: of two values of a name one
    program takes the first and another the last.
    """
    strictly(body)
    try:
        return json.loads(body, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise BodyTooDeep from error
    except ValueError as error:
        raise BodyNotJson from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NameTwice
    return found


def check_bounds(value: Any, written: bytes | None = None) -> None:
    """Raises `BodyTooDeep` or `BodyTooWide` for a value that is too much to look at.

    `written` is the JSON it was read from, if that is known.
    """
    if written is not None and _has_few_signs(written):
        return  # what almost all of them are, and the fastest to see
    level, depth, fields = _containers([value]), 0, 0
    while level:
        depth += 1
        fields += sum(len(each) for each in level if isinstance(each, dict))
        if depth > DEEPEST:
            raise BodyTooDeep
        if fields > MOST_FIELDS:
            raise BodyTooWide
        level = [
            inner
            for each in level
            for inner in _containers(each.values() if isinstance(each, dict) else each)
        ]


def _has_few_signs(written: bytes) -> bool:
    """Says whether there are too few brackets and colons to be too much."""
    brackets = written.count(b"{") + written.count(b"[")
    return brackets <= DEEPEST and written.count(b":") <= MOST_FIELDS


def _tolerantly(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False)
    except RecursionError as error:
        raise BodyTooDeep from error
    except ValueError as error:
        raise BodyNotJson from error


def _containers(values: Any) -> list[Any]:
    return [each for each in values if isinstance(each, dict | list)]
