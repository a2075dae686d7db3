"""What a scan has found so far: kept while it runs, forgotten when it is complete."""

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.scheduler.domain.result import WorkflowResult
from services.scheduler.store import Transaction
from services.scheduler.store.tables import ScanProgressRow

log = structlog.get_logger()


async def keep(
    session: Transaction, scan_id: str, position: int, results: Sequence[WorkflowResult]
) -> None:
    """Keeps the results that begin at a position of the scan."""
    plain = msgspec.to_builtins(results, enc_hook=_without)
    await session.execute(
        insert(ScanProgressRow).values(scan_id=scan_id, position=position, results=plain)
    )


async def kept(session: Transaction, scan_id: str) -> list[WorkflowResult]:
    """Gives the results of the attempts before; none when another release wrote them."""
    query = select(col(ScanProgressRow.results)).where(col(ScanProgressRow.scan_id) == scan_id)
    parts = await session.scalars(query.order_by(col(ScanProgressRow.position)))
    try:
        return [
            msgspec.convert(each, WorkflowResult, dec_hook=_as_it_is)
            for part in parts
            for each in part
        ]
    except msgspec.ValidationError as error:
        log.warning("progress.unreadable", scan_id=scan_id, reason=str(error))
        await forget(session, scan_id)
        return []


async def forget(session: Transaction, scan_id: str) -> None:
    """Forgets what was kept."""
    await session.execute(delete(ScanProgressRow).where(col(ScanProgressRow.scan_id) == scan_id))


def _without(_: object) -> None:
    """Leaves out a rule's error: it was logged when it happened."""


def _as_it_is(_: type, value: Any) -> Any:
    return value
