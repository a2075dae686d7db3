"""Deleting what is older than the installation keeps it."""

from datetime import timedelta

from sqlalchemy import CursorResult, TextClause, text

from services.scheduler.store import Transaction

STEP = 5000
"""Rows of each table that one transaction deletes."""

_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(hashtext('scheduler retention'))")

# The last completed scan of each scope stays: the next one is compared with it.
_SCANS = text("""
    DELETE FROM scan_history WHERE id IN (
        SELECT id FROM scan_history AS old
        WHERE created_at < clock_now() - CAST(:kept AS interval)
          AND status NOT IN ('queued', 'running')
          AND (status <> 'completed' OR EXISTS (
              SELECT 1 FROM scan_history AS newer
              WHERE newer.location_id = old.location_id AND newer.status = 'completed'
                AND newer.scan_scope = old.scan_scope AND newer.completed_at > old.completed_at
          ))
        LIMIT :step
    )
""")
_REQUESTS = text("""
    DELETE FROM scan_requests WHERE (location_id, idempotency_key) IN (
        SELECT location_id, idempotency_key FROM scan_requests
        WHERE created_at < clock_now() - CAST(:kept AS interval) LIMIT :step
    )
""")
_PROGRESS = text("""
    DELETE FROM scan_progress WHERE scan_id IN (
        SELECT id FROM scan_history WHERE status NOT IN ('queued', 'running')
    )
""")
# The last change stays: it says what the schedule is now.
_CHANGES = text("""
    DELETE FROM schedule_changes WHERE (location_id, id) IN (
        SELECT location_id, id FROM schedule_changes AS old
        WHERE changed_at < clock_now() - CAST(:kept AS interval) AND EXISTS (
            SELECT 1 FROM schedule_changes AS newer
            WHERE newer.location_id = old.location_id AND newer.id > old.id
        )
        LIMIT :step
    )
""")

# What is not fixed stays: else it would be told as new when it is found again.
_FINDINGS = text("""
    DELETE FROM known_findings WHERE (location_id, fingerprint) IN (
        SELECT location_id, fingerprint FROM known_findings
        WHERE standing = 'fixed' AND last_seen_at < clock_now() - CAST(:kept AS interval)
        LIMIT :step
    )
""")
_IGNORES = text("""
    DELETE FROM ignored_findings WHERE (location_id, fingerprint) IN (
        SELECT location_id, fingerprint FROM ignored_findings
        WHERE until < clock_now() - CAST(:kept AS interval) LIMIT :step
    )
""")
_ALL = (_SCANS, _REQUESTS, _CHANGES, _FINDINGS, _IGNORES)


async def forget_some(session: Transaction, kept: timedelta, step: int) -> int:
    """Deletes some of what is old; gives the most of one table, 0 while another process does it."""
    if not await session.scalar(_ONE_AT_A_TIME):
        return 0
    # Of scans that were given up or cancelled while they waited.
    await session.execute(_PROGRESS)
    return max([await _deleted(session, each, kept, step) for each in _ALL])


async def _deleted(session: Transaction, statement: TextClause, kept: timedelta, step: int) -> int:
    result = await session.execute(statement, {"kept": kept, "step": step})
    assert isinstance(result, CursorResult)
    return result.rowcount
