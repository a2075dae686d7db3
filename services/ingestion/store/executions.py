"""Writes and lists the execution log."""

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import ColumnElement, RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
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
    "contact_ref": "uuid",
}
_GIVEN = ", ".join(f"CAST(${n} AS {type_}[])" for n, type_ in enumerate(COLUMNS.values(), 1))
ADD = f"""
    INSERT INTO execution_logs ({", ".join(COLUMNS)}) SELECT * FROM unnest({_GIVEN})
"""  # noqa: S608  no value is in the text
"""Adds executions; each must lie in a week that has a partition. `batches.enter` adds the rest."""
EXACTLY = (
    "workflow_id",
    "failed_action_id",
    "failed_action_name",
    "error_class",
    "error_fingerprint",
)
_log = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides it from mypy


def columns(executions: Sequence[Execution]) -> dict[str, str]:
    """Writes executions down for `ADD`: an array for each of `COLUMNS`, in their order."""
    columns = zip(*map(structs.astuple, executions), strict=True)
    known = dict(zip(Execution.__struct_fields__, columns, strict=True))
    return {name: arrays.WRITERS[type_](known[name]) for name, type_ in COLUMNS.items()}


async def newest(
    session: AsyncSession, wanted: ExecutionFilter, *, limit: int, after: Position | None
) -> list[Execution]:
    """Lists executions, newest first; those of the same moment by id."""
    query = select(*_log).where(*conditions(wanted))
    if after is not None:
        query = query.where(older(_log.executed_at, _log.execution_id, than=after))
    query = query.order_by(_log.executed_at.desc(), _log.execution_id.desc()).limit(limit)
    found = await session.execute(query)
    return [execution_of(row) for row in found.mappings()]


def conditions(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    """Gives what an execution must be to be wanted."""
    found = [_log.location_id == wanted.location_id]
    found += [_log[name] == getattr(wanted, name) for name in EXACTLY if getattr(wanted, name)]
    if wanted.error_text:
        found.append(_log.error_message.icontains(wanted.error_text, autoescape=True))
    if wanted.contact_refs:
        found.append(_log.contact_ref.in_(wanted.contact_refs))
    if len(wanted.statuses) == 1:
        # Not IN: the index of failures is only seen by its own words.
        found.append(_log.status == wanted.statuses[0])
    elif wanted.statuses:
        found.append(_log.status.in_(wanted.statuses))
    if wanted.executed_from:
        found.append(_log.executed_at >= wanted.executed_from)
    if wanted.executed_before:
        found.append(_log.executed_at < wanted.executed_before)
    return found


def execution_of(row: RowMapping) -> Execution:
    """Reads an execution out of its row."""
    known = {"status": Status(row["status"]), "source": Source(row["source"])}
    return Execution(**{**row, **known})
