"""One page of a list, and the place in a list where the next one starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")
Written = list[str | int | float]
"""A position as a page token carries it."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many are wanted, and after what; no token means from the beginning."""

    size: int
    token: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; the token is empty on the last one."""

    items: Sequence[T]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list that is ordered by time and then by id."""

    at: datetime
    id: str

    def written(self) -> Written:
        """Gives the position for a page token."""
        return [self.at.isoformat(), self.id]

    @classmethod
    def read(cls, written: Written) -> "Position":
        """Reads it back; ValueError when it was not written here."""
        at, id_ = written
        return cls(moment(at), str(UUID(str(id_))))


def moment(written: str | float) -> datetime:
    """Reads a time out of a page token; ValueError when it is none."""
    found = datetime.fromisoformat(str(written))
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found
