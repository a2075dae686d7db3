"""Whole columns as PostgreSQL reads arrays: one text instead of a conversion for each value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any


def texts(values: Sequence[str]) -> str:
    """Gives an array of texts."""
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(_escaped(each) for each in values)
    return f'{{"{joined}"}}'


def ids(values: Iterable[str | None]) -> str:
    """Gives an array of UUIDs."""
    return f"{{{','.join('NULL' if each is None else each for each in values)}}}"


def moments(values: Iterable[datetime | None]) -> str:
    """Gives an array of times."""
    # One value in many places: the runs of a batch mostly ended when it arrived.
    last, part = None, "NULL"
    parts = []
    for each in values:
        if each is not last:
            last, part = each, "NULL" if each is None else f'"{each.isoformat()}"'
        parts.append(part)
    return f"{{{','.join(parts)}}}"


def numbers(values: Iterable[int | None]) -> str:
    """Gives an array of numbers."""
    return f"{{{','.join('NULL' if each is None else str(each) for each in values)}}}"


def spans(values: Iterable[timedelta | None]) -> str:
    """Gives an array of intervals."""
    seconds = ("NULL" if each is None else f'"{each.total_seconds()} s"' for each in values)
    return f"{{{','.join(seconds)}}}"


def flags(values: Iterable[bool]) -> str:
    """Gives an array of booleans."""
    return f"{{{','.join('t' if each else 'f' for each in values)}}}"


WRITERS: Mapping[str, Callable[[Any], str]] = {
    "uuid": ids,
    "text": texts,
    "timestamptz": moments,
    "interval": spans,
    "int8": numbers,
    "bool": flags,
}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
