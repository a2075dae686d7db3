"""Reads which page of a list is asked for, and says where the next one starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from libs import paging
from services.notifier.domain.delivery import Delivery
from services.notifier.domain.incident import Incident, IncidentPosition
from services.notifier.domain.scope import Scope
from services.notifier.domain.settings import AlertSettings, SettingsPosition
from services.notifier.domain.silence import Silence
from services.notifier.translate import fields

Place = TypeVar("Place")
Row = TypeVar("Row")
LARGEST_PLACE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Row, Place]):
    """A page that is asked for."""

    query: Mapping[str, object]
    size: int
    after: Place | None
    write: Callable[[Row], list[str | int | float]]

    @property
    def limit(self) -> int:
        """One row more than shown: it tells whether there is a next page."""
        return self.size + 1

    def shown(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows[: self.size]

    def next_token(self, rows: Sequence[Row]) -> str:
        if len(rows) <= self.size:
            return ""
        return paging.token(self.query, self.write(rows[self.size - 1]))


def of_settings(
    page_size: int, page_token: str, **query: object
) -> Page[AlertSettings, SettingsPosition]:
    return _page(page_size, page_token, query, _settings_place, _settings_written)


def of_incidents(
    page_size: int, page_token: str, **query: object
) -> Page[Incident, IncidentPosition]:
    return _page(page_size, page_token, query, _incident_place, _incident_written)


def of_deliveries(page_size: int, page_token: str, **query: object) -> Page[Delivery, int]:
    return _page(page_size, page_token, query, _delivery_place, lambda row: [row.position])


def of_silences(page_size: int, page_token: str, **query: object) -> Page[tuple[int, Silence], int]:
    return _page(page_size, page_token, query, _delivery_place, lambda row: [row[0]])


def _page(
    page_size: int,
    page_token: str,
    query: Mapping[str, object],
    read: Callable[[Sequence[Any]], Place],
    write: Callable[[Row], list[str | int | float]],
) -> Page[Row, Place]:
    size = paging.page_size(page_size)
    written = paging.position(query, page_token)
    try:
        after = None if written is None else read(written)
    except (TypeError, ValueError) as error:
        raise paging.PageTokenWrong.at("page_token") from error
    return Page(query, size, after, write)


def _settings_written(row: AlertSettings) -> list[str | int | float]:
    at = row.effective_at.isoformat() if row.effective_at else ""
    return [at, row.scope.location_id, row.scope.workflow_id]


def _settings_place(written: Sequence[Any]) -> SettingsPosition:
    at, location_id, workflow_id = written
    within = _id(workflow_id) if workflow_id else ""
    return SettingsPosition(_time(at), Scope(_id(location_id), within))


def _incident_written(row: Incident) -> list[str | int | float]:
    return [row.last_event_at.isoformat(), row.incident_id]


def _incident_place(written: Sequence[Any]) -> IncidentPosition:
    at, incident_id = written
    return IncidentPosition(_time(at), _id(incident_id))


def _delivery_place(written: Sequence[Any]) -> int:
    (position,) = written
    if not isinstance(position, int) or not 0 <= position <= LARGEST_PLACE:
        raise ValueError(position)
    return position


def _id(written: Any) -> str:
    if not isinstance(written, str) or not fields.is_id(written):
        raise ValueError(written)
    return written


def _time(written: Any) -> datetime:
    at = datetime.fromisoformat(written)
    if at.tzinfo is None:
        raise ValueError(written)
    return at
