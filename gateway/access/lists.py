"""Pages of what the gateway keeps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from libs import paging

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    next_page_token: str
    """Empty on the last page."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts, and how long it may be. All lists here are sorted by one id."""

    query: Mapping[str, object]
    after: str | None
    size: int

    @classmethod
    def read(cls, query: Mapping[str, object], size: int, token: str) -> "Position":
        """Reads what the caller asked for; raises `PageSizeNegative` or `PageTokenWrong`."""
        found = paging.position(query, token)
        if found is None:
            return cls(query, None, paging.page_size(size))
        match found:
            case [str(after)] if (
                after.isprintable()
            ):  # tokens are not signed: anybody can write one
                return cls(query, after, paging.page_size(size))
        raise paging.PageTokenWrong.at("page_token")

    def page(self, items: Sequence[T], id_of: Callable[[T], str]) -> Page[T]:
        """Gives the page out of its items and the one after them."""
        more = len(items) > self.size
        kept = items[: self.size]
        token = paging.token(self.query, [id_of(kept[-1])]) if more else ""
        return Page(kept, token)
