"""Reads JSON values of unknown shape: scalars and lists alike, and never deeper than is safe."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

LONGEST_TEXT = 100_000
LONGEST_NAME = 200
DEEPEST = 12
MOST_VALUES = 2_000
LARGEST_COUNT = 2**31 - 1


def words(text: str) -> frozenset[str]:
    """Gives the words of a text."""
    return frozenset(text.split())


def listed(value: object) -> tuple[object, ...]:
    """Gives the entries of a list, or the one value that stands where a list may stand."""
    if value is None or value == "":
        return ()
    return tuple(value[:MOST_VALUES]) if isinstance(value, list | tuple) else (value,)


def objects(value: object) -> tuple[Mapping[str, object], ...]:
    """Gives the objects among the entries of a value."""
    return tuple(each for each in listed(value) if isinstance(each, Mapping))


def text(value: object) -> str:
    """Gives a text or a number as text, trimmed, cut and fit for storing; else an empty one."""
    if isinstance(value, str):
        return _storable(value[:LONGEST_TEXT]).strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return str(value)
    except ValueError:  # an int of more digits than Python writes
        return ""


def _storable(value: str) -> str:
    """Takes out what JSON may hold and a database does not: NUL and halves of characters."""
    if value.isascii():
        return value.replace("\x00", "")
    return value.replace("\x00", "").encode(errors="replace").decode()


def name(value: object) -> str:
    """Gives a text that names something, cut to what can be shown."""
    return text(value)[:LONGEST_NAME]


def texts(value: object) -> tuple[str, ...]:
    """Gives the texts among the entries of a value, without blank ones."""
    return tuple(found for each in listed(value) if (found := text(each)))


def flag(value: object) -> bool | None:
    """Gives a yes or no, also where it is spelled out; `None` for anything else."""
    if isinstance(value, bool):
        return value
    return (
        {"true": True, "false": False}.get(value.strip().lower())
        if isinstance(value, str)
        else None
    )


def number(value: object) -> float | None:
    """Gives a number, also where it is written as text; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def whole(value: object) -> int | None:
    """Gives a number that counts something, as a database keeps it; `None` for anything else."""
    found = number(value)
    fits = found is not None and 0 <= found <= LARGEST_COUNT and found.is_integer()
    return int(found) if found is not None and fits else None


def moment(value: object) -> datetime | None:
    """Gives a time with its zone; `None` for anything else."""
    try:
        found = datetime.fromisoformat(text(value))
        # Some that can be read lie beyond what can be told in UTC.
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def first(source: Mapping[str, object], *keys: str) -> object:
    """Gives the value of the first key that is there and not `null`."""
    return next((source[key] for key in keys if source.get(key) is not None), None)


def blank(value: object) -> bool:
    """Says whether a value holds nothing: no text, no entry, no key."""
    return all(
        not each.strip() if isinstance(each, str) else each is None or each == {}
        for each in (value if isinstance(value, list | tuple) else (value,))
    )


def strings(value: object) -> Iterator[tuple[str, str]]:
    """Gives every text and number in a value with its key, without recursion, bounded."""
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    seen = 0
    while waiting and seen < MOST_VALUES:
        key, each, depth = waiting.pop()
        seen += 1
        if isinstance(each, str | int | float):
            yield key, str(each) if isinstance(each, bool) else text(each)
        elif depth < DEEPEST and isinstance(each, Mapping):
            pairs = [(str(k), v, depth + 1) for k, v in list(each.items())[:MOST_VALUES]]
            waiting.extend(reversed(pairs))
        elif depth < DEEPEST and isinstance(each, list | tuple):
            waiting.extend((key, v, depth + 1) for v in reversed(each[:MOST_VALUES]))


def deeper_than(levels: int, value: object) -> bool:
    """Says whether lists and objects lie in each other more levels deep than that."""
    level = _containers([value])
    for _ in range(levels):
        if not level:
            return False
        level = _containers(
            inner for each in level for inner in (each.values() if isinstance(each, dict) else each)
        )
    return bool(level)


def _containers(found: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [each for each in found if isinstance(each, dict | list)]
