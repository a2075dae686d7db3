"""Scans that wait or run: who holds one, until when, and what only its holder may write."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import col

from libs import problems
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.domain.summary import ScanSummary
from services.scheduler.store import Transaction
from services.scheduler.store.scans import (
    ACTIVE,
    CANCELLED_CHANNEL,
    Scan,
    announce,
    scan_of,
)
from services.scheduler.store.tables import ScanRow

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
LOST = "The process that ran it went away without a word."


class LeaseLost(problems.Overtaken):
    """Another process has taken this scan over; what this one found is thrown away."""

    reason = "LEASE_LOST"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one attempt of a scan."""

    scan_id: str
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A scan, and the right to write it."""

    scan: Scan
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a completed scan writes into its row."""

    workflows_scanned: int
    partial: bool
    summary: ScanSummary


async def claim(session: Transaction, owner: str, limit: int) -> list[Claimed]:
    """Takes scans whose holder's lease has expired, then those that wait, longest waiting first."""
    abandoned = await _take(
        session, owner, limit, _abandoned(), col(ScanRow.lease_until), failures=_and_failure(LOST)
    )
    ready = and_(
        col(ScanRow.status) == ScanStatus.QUEUED,
        ~col(ScanRow.buffered),
        col(ScanRow.not_before) <= func.clock_now(),
    )
    waiting = await _take(session, owner, limit - len(abandoned), ready, col(ScanRow.not_before))
    return abandoned + waiting


async def let_in(session: Transaction) -> None:
    """Lets buffered scans wait for their turn whose location has no scan any more."""
    other = aliased(ScanRow)
    before = select(other).where(
        col(other.location_id) == col(ScanRow.location_id),
        col(other.status).in_(ACTIVE),
        ~col(other.buffered),
    )
    try:
        async with session.begin_nested():
            await session.execute(
                update(ScanRow)
                .where(
                    col(ScanRow.status) == ScanStatus.QUEUED,
                    col(ScanRow.buffered),
                    ~before.exists(),
                )
                .values(buffered=False, reason="", not_before=func.clock_now())
            )
    except IntegrityError:
        # Somebody asked for a scan of the location meanwhile: it goes first.
        log.info("scans.let_in_later")


async def give_up(session: Transaction, *, reason: str) -> list[Scan]:
    """Fails the scans that were abandoned in their last attempt, and gives them.

    Whatever ended their holders that often would end the next one too.
    """
    lost = await session.scalars(
        update(ScanRow)
        .where(_abandoned(last_attempt=True))
        .values(
            status=ScanStatus.FAILED,
            reason=reason,
            failures=_and_failure(LOST),
            completed_at=func.clock_now(),
            lease_until=None,
        )
        .returning(ScanRow)
    )
    return [scan_of(row) for row in lost]


async def cancel(session: Transaction, location_id: str, scan_id: str, *, reason: str) -> bool:
    """Stops a scan that waits or runs, whoever runs it; says whether it did either."""
    stopped = await session.scalar(
        update(ScanRow)
        .where(
            col(ScanRow.id) == scan_id,
            col(ScanRow.location_id) == location_id,
            col(ScanRow.status).in_(ACTIVE),
        )
        .values(
            status=ScanStatus.CANCELLED,
            reason=reason,
            completed_at=func.clock_now(),
            lease_until=None,
        )
        .returning(col(ScanRow.id))
    )
    if stopped:
        await announce(session, CANCELLED_CHANNEL, scan_id)
    return stopped is not None


async def renew(session: Transaction, leases: Sequence[Lease]) -> set[str]:
    """Extends leases; gives the ids of the scans that are still held."""
    held = tuple_(col(ScanRow.id), col(ScanRow.lease_owner), col(ScanRow.attempt)).in_(
        [(lease.scan_id, lease.owner, lease.attempt) for lease in leases]
    )
    renewed = await session.scalars(
        update(ScanRow)
        .where(col(ScanRow.status) == ScanStatus.RUNNING, held)
        .values(lease_until=func.clock_now() + LEASE, heartbeat_at=func.clock_now())
        .returning(col(ScanRow.id))
    )
    return set(renewed)


async def note_progress(session: Transaction, lease: Lease, *, total: int, scanned: int) -> None:
    """Writes how far the scan is."""
    await _write(session, lease, workflows_total=total, workflows_scanned=scanned)


async def complete(session: Transaction, lease: Lease, outcome: Outcome) -> None:
    """Ends a scan with what it says."""
    summary = outcome.summary
    issues = summary.critical_count + summary.warning_count + summary.info_count
    await _write(
        session,
        lease,
        status=ScanStatus.COMPLETED,
        workflows_scanned=outcome.workflows_scanned,
        issues_found=issues,
        critical_issues=summary.critical_count,
        partial=outcome.partial,
        summary=asdict(summary),
        reason="",
        completed_at=func.clock_now(),
        lease_until=None,
    )


async def put_back(session: Transaction, lease: Lease, *, reason: str, delay: timedelta) -> None:
    """Lets a scan wait for its next attempt."""
    await _write(
        session,
        lease,
        status=ScanStatus.QUEUED,
        reason=reason,
        failures=_and_failure(reason),
        not_before=func.clock_now() + delay,
        lease_owner=None,
        lease_until=None,
    )


async def fail(session: Transaction, lease: Lease, *, reason: str) -> None:
    """Gives a scan up."""
    await _write(
        session,
        lease,
        status=ScanStatus.FAILED,
        reason=reason,
        failures=_and_failure(reason),
        completed_at=func.clock_now(),
        lease_until=None,
    )


async def hand_back(session: Transaction, owner: str) -> None:
    """Lets others go on with all scans this process holds; their attempts are not charged."""
    handed = await session.scalars(
        update(ScanRow)
        .where(col(ScanRow.status) == ScanStatus.RUNNING, col(ScanRow.lease_owner) == owner)
        .values(
            status=ScanStatus.QUEUED,
            attempt=col(ScanRow.attempt) - 1,
            not_before=func.clock_now(),
            lease_owner=None,
            lease_until=func.clock_now(),
        )
        .returning(col(ScanRow.id))
    )
    if handed.all():
        await announce(session)


def _abandoned(*, last_attempt: bool = False) -> ColumnElement[bool]:
    charged, allowed = col(ScanRow.attempt), col(ScanRow.max_attempts)
    return and_(
        col(ScanRow.status) == ScanStatus.RUNNING,
        col(ScanRow.lease_until) <= func.clock_now(),
        charged >= allowed if last_attempt else charged < allowed,
    )


def _and_failure(reason: str) -> ColumnElement[Any]:
    """Gives the failures with the one that ends this attempt."""
    failure = func.jsonb_build_object(
        *("attempt", col(ScanRow.attempt), "failed_at", func.clock_now(), "reason", reason)
    )
    return col(ScanRow.failures).op("||")(func.jsonb_build_array(failure))


async def _take(
    session: Transaction,
    owner: str,
    limit: int,
    condition: ColumnElement[bool],
    since: Any,
    **also: object,
) -> list[Claimed]:
    # A CTE, because PostgreSQL may run a mere subquery more than once, and lock more than the limit.
    chosen = (
        select(col(ScanRow.id))
        .where(condition)
        .order_by(since)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    taken = await session.scalars(
        update(ScanRow)
        .where(col(ScanRow.id).in_(select(chosen.c.id)))
        .values(
            status=ScanStatus.RUNNING,
            attempt=col(ScanRow.attempt) + 1,
            lease_owner=owner,
            lease_until=func.clock_now() + LEASE,
            heartbeat_at=func.clock_now(),
            started_at=func.coalesce(col(ScanRow.started_at), func.clock_now()),
            **also,
        )
        .returning(ScanRow)
    )
    return [Claimed(scan_of(row), Lease(row.id, owner, row.attempt)) for row in taken]


async def _write(session: Transaction, lease: Lease, **values: object) -> None:
    written = await session.execute(
        update(ScanRow)
        .where(
            col(ScanRow.id) == lease.scan_id,
            col(ScanRow.lease_owner) == lease.owner,
            col(ScanRow.attempt) == lease.attempt,
            col(ScanRow.status) == ScanStatus.RUNNING,
        )
        .values(**values)
        .returning(col(ScanRow.id))
    )
    if written.first() is None:
        raise LeaseLost(scan_id=lease.scan_id)
