"""Reads a list of GoHighLevel to its end, however it is paged."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic

from services.scheduler.ghl.problems import GhlAnswerUnreadable
from services.scheduler.ghl.reading import Fields, whole
from services.scheduler.ghl.values import ApiVersion, Item, Listing, Resource

MOST_PAGES = 50
LOCATION = "{location_id}"


class Paging(Enum):
    """How the next page is asked for: not at all, by what was received, or by its number."""

    NONE = "none"
    SKIP = "skip"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Generic[Item]):
    """One of GoHighLevel's lists; `{location_id}` stands for the location."""

    resource: Resource
    path: str
    key: str
    read: Callable[[Fields], Item | None]
    version: ApiVersion = ApiVersion.V3
    query: Mapping[str, str] = field(default_factory=dict)
    paging: Paging = Paging.NONE
    page_size: int = 100
    total: str = "total"

    def query_for(self, location_id: str, page: int, received: int) -> dict[str, str]:
        """Gives the query of a page, after so many entries were received."""
        query = {name: value.replace(LOCATION, location_id) for name, value in self.query.items()}
        if self.paging is Paging.SKIP:
            query |= {"skip": str(received), "limit": str(self.page_size)}
        if self.paging is Paging.NUMBER:
            query |= {"page": str(page), "pageSize": str(self.page_size)}
        return query


async def read_whole(
    list_of: ListOf[Item], location_id: str, fetch: Callable[[dict[str, str]], Awaitable[Fields]]
) -> Listing[Item]:
    """Reads all pages, because what is on none of them will be called missing.

    The end is where the total is reached or a page brings nothing new, and not
    where a page is short: servers give fewer entries than they are asked for.
    """
    found: dict[str, Item] = {}
    skipped = received = 0
    for page in range(MOST_PAGES):
        fields = await fetch(list_of.query_for(location_id, page, received))
        listed, total = _entries_of(list_of, fields)
        items = [_item(list_of, each, location_id) for each in listed]
        before = len(found)
        for item in items:
            if item is not None:
                found.setdefault(item.id, item)
        skipped += items.count(None)
        received += len(listed)
        at_the_end = len(found) == before or (total is not None and received >= total)
        if list_of.paging is Paging.NONE or at_the_end:
            return Listing(tuple(found.values()), skipped)
    raise GhlAnswerUnreadable(f"GoHighLevel's list of {list_of.resource} does not end.")


def _entries_of(list_of: ListOf[Item], fields: Fields) -> tuple[list[object], int | None]:
    inner = fields.get("data")
    holder = inner if list_of.key not in fields and isinstance(inner, dict) else fields
    listed = holder.get(list_of.key)
    if not isinstance(listed, list):
        raise GhlAnswerUnreadable(f"GoHighLevel's answer has no list of {list_of.resource}.")
    return listed, whole(holder, list_of.total)


def _item(list_of: ListOf[Item], entry: object, location_id: str) -> Item | None:
    if not isinstance(entry, dict):
        return None
    # An entry of another location has no business here, however it came.
    owner = entry.get("locationId")
    return None if isinstance(owner, str) and owner != location_id else list_of.read(entry)
