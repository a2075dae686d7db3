"""Writes and lists the execution log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db.database import driver_connection
from services.ingestion.domain.execution import Execution, ExecutionFilter, Source, Status
from services.ingestion.domain.page import Position
from services.ingestion.store.keyset import older
from services.ingestion.store.tables import ExecutionRow

COLUMNS = {
    "execution_id": "uuid",
    "executed_at": "timestamptz",
    "received_at": "timestamptz",
    "execution_time_ms": "int8",
    "error_message_truncated": "bool",
    "executed_at_adjusted": "bool",
    "location_id": "text",
    "workflow_id": "text",
    "status": "text",
    "source": "text",
    "workflow_name": "text",
    "failed_action_id": "text",
    "failed_action_name": "text",
    "error_message": "text",
    "error_class": "text",
    "error_fingerprint": "text",
    "run_id": "text",
}
COPY = f"COPY execution_logs ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_log = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it from mypy


async def add(session: AsyncSession, executions: Sequence[Execution]) -> None:
    """Adds executions; each must lie in a week that has a partition."""
    connection = await driver_connection(session)
    async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(list(COLUMNS.values()))
        for execution in executions:
            await copy.write_row(_row(execution))


async def newest(
    session: AsyncSession, wanted: ExecutionFilter, *, limit: int, after: Position | None
) -> list[Execution]:
    """Lists executions, newest first; those of the same moment by id."""
    query = select(*_log).where(*_conditions(wanted))
    if after is not None:
        query = query.where(older(_log.executed_at, _log.execution_id, than=after))
    query = query.order_by(_log.executed_at.desc(), _log.execution_id.desc()).limit(limit)
    found = await session.execute(query)
    return [_execution(row) for row in found.mappings()]


def _conditions(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    conditions = [_log.location_id == wanted.location_id]
    if wanted.workflow_id:
        conditions.append(_log.workflow_id == wanted.workflow_id)
    if len(wanted.statuses) == 1:
        # Not IN: the index of failures is only seen by its own words.
        conditions.append(_log.status == wanted.statuses[0])
    elif wanted.statuses:
        conditions.append(_log.status.in_(wanted.statuses))
    if wanted.executed_from:
        conditions.append(_log.executed_at >= wanted.executed_from)
    if wanted.executed_before:
        conditions.append(_log.executed_at < wanted.executed_before)
    return conditions


def _row(execution: Execution) -> list[Any]:
    row = [getattr(execution, name) for name in COLUMNS]
    row[0] = UUID(execution.execution_id)
    return row


def _execution(row: RowMapping) -> Execution:
    known = {"status": Status(row["status"]), "source": Source(row["source"])}
    return Execution(**{**row, **known})
