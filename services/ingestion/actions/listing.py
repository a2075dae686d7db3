"""Lists what was recorded, page by page."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TypeVar

from libs import paging
from libs.db.database import Database
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import (
    Execution,
    ExecutionFilter,
    ExecutionNotFound,
    Status,
    WorkflowKey,
)
from services.ingestion.domain.gap import Gap
from services.ingestion.domain.page import Page, PageRequest, Position, Written, moment
from services.ingestion.domain.quarantine import QuarantinedDelivery
from services.ingestion.domain.text import is_id, storable
from services.ingestion.domain.workflow import Workflow
from services.ingestion.store import Session, executions, gaps, history, quarantine, workflows
from services.ingestion.store.now import now

T = TypeVar("T")
Query = Mapping[str, object]
PORTION = 500
"""Executions of an export that are sent at a time."""


class Listing:
    """Gives pages; a list goes on where its page before ended, whatever arrived meanwhile."""

    def __init__(self, database: Database, contacts: ContactRefs) -> None:
        self._database = database
        self._contacts = contacts

    async def executions(self, wanted: ExecutionFilter, page: PageRequest) -> Page[Execution]:
        """Lists executions of a location, newest first."""
        query = {"list": "executions", **asdict(wanted)}
        wanted = self._of_contact(wanted)
        if wanted.searches:
            return await self._search(query, wanted, page)
        after = _after(query, page.token, Position.read)
        async with self._database.transaction() as session:
            found = await _newest(session, wanted, limit=page.size + 1, after=after)
        return _page(query, found, page.size, lambda last: _place(last).written())

    async def execution(self, location_id: str, execution_id: str) -> Execution:
        """Gives one execution of a location."""
        found = None
        if is_id(execution_id):
            async with self._database.transaction() as session:
                found = await history.get(session, location_id, execution_id)
        if found is None:
            raise ExecutionNotFound(execution_id=execution_id)
        return found

    async def export(self, wanted: ExecutionFilter) -> AsyncIterator[Sequence[Execution]]:
        """Gives all executions of a filter in portions, newest first; no transaction is long."""
        after, wanted = None, self._of_contact(wanted)
        async with self._database.transaction() as session:
            wanted = wanted.searching(await now(session))
        while True:
            async with self._database.transaction() as session:
                found = await _newest(session, wanted, limit=PORTION, after=after)
            if found:
                yield found
            if len(found) < PORTION:
                return
            after = _place(found[-1])

    def _of_contact(self, wanted: ExecutionFilter) -> ExecutionFilter:
        refs = self._contacts.all(wanted.location_id, wanted.contact_id)
        return replace(wanted, contact_refs=refs)

    async def _search(
        self, query: Query, wanted: ExecutionFilter, page: PageRequest
    ) -> Page[Execution]:
        """Lists executions that no index knows; all pages look from the same time on."""
        after, since = _after(query, page.token, _read_with_start) or (None, None)
        async with self._database.transaction() as session:
            within = replace(wanted, executed_from=since or wanted.executed_from)
            within = within if since else within.searching(await now(session))
            found = await _newest(session, within, limit=page.size + 1, after=after)
        assert within.executed_from
        start = within.executed_from.isoformat()
        return _page(query, found, page.size, lambda last: [*_place(last).written(), start])

    async def recent_failures(
        self, workflow: WorkflowKey, window: timedelta, page: PageRequest
    ) -> Page[Execution]:
        """Lists the failures of a workflow within a window that ends now, newest first.

        The window of the first page holds for all: else its oldest failures
        would slip away between two pages.
        """
        query = {"list": "failures", **workflow._asdict(), "window": window}
        after, since = _after(query, page.token, _read_with_start) or (None, None)
        async with self._database.transaction() as session:
            await workflows.get(session, workflow)
            since = since or await now(session) - window
            wanted = ExecutionFilter(
                **workflow._asdict(), statuses=(Status.FAILED,), executed_from=since
            )
            found = await _newest(session, wanted, limit=page.size + 1, after=after)
        start = since.isoformat()
        return _page(query, found, page.size, lambda last: [*_place(last).written(), start])

    async def workflows(self, location_id: str, page: PageRequest) -> Page[Workflow]:
        """Lists the workflows of a location by id."""
        query = {"list": "workflows", "location_id": location_id}
        after = _after(query, page.token, _read_id) or ""
        async with self._database.transaction() as session:
            found = await workflows.listed(session, location_id, limit=page.size + 1, after=after)
        return _page(query, found, page.size, lambda last: [last.workflow_id])

    async def quarantined(self, location_id: str, page: PageRequest) -> Page[QuarantinedDelivery]:
        """Lists what could not be read, newest first."""
        query = {"list": "quarantined", "location_id": location_id}
        after = _after(query, page.token, Position.read)
        async with self._database.transaction() as session:
            found = await quarantine.newest(session, location_id, limit=page.size + 1, after=after)
        return _page(
            query,
            found,
            page.size,
            lambda last: Position(last.received_at, last.quarantine_id).written(),
        )

    async def gaps(self, location_id: str, page: PageRequest) -> Page[Gap]:
        """Lists when nothing could be recorded, newest first; without a location counts of all."""
        query = {"list": "gaps", "location_id": location_id}
        after = _after(query, page.token, Position.read)
        async with self._database.transaction() as session:
            found = await gaps.newest(session, location_id, limit=page.size + 1, after=after)
        return _page(
            query, found, page.size, lambda last: Position(last.end, last.gap_id).written()
        )


async def _newest(
    session: Session, wanted: ExecutionFilter, *, limit: int, after: Position | None
) -> list[Execution]:
    """Lists executions; none of a workflow that nobody has heard of is a mistake, and said."""
    found = await executions.newest(session, wanted, limit=limit, after=after)
    if not found and wanted.workflow_id:
        await workflows.get(session, WorkflowKey(wanted.location_id, wanted.workflow_id))
    return found


def _after(query: Query, token: str, read: Callable[[Written], T]) -> T | None:
    written = paging.position(query, token)
    if written is None:
        return None
    try:
        return read(written)
    except ValueError as error:
        raise paging.PageTokenWrong.at("page_token") from error


def _page(query: Query, found: Sequence[T], size: int, written: Callable[[T], Written]) -> Page[T]:
    """Gives the page of what was found, of which one too many says that there is more."""
    if len(found) <= size:
        return Page(found, "")
    return Page(found[:size], paging.token(query, written(found[size - 1])))


def _place(execution: Execution) -> Position:
    return Position(execution.executed_at, execution.execution_id)


def _read_with_start(written: Written) -> tuple[Position, datetime]:
    *place, start = written
    return Position.read(place), moment(start)


def _read_id(written: Written) -> str:
    (workflow_id,) = written
    return storable(str(workflow_id))
