"""Errors are looked for among the runs that did not succeed, however many did."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from libs.db.database import Database
from services.ingestion.domain.breakdown import Bucket, Scope, Windows
from services.ingestion.store.breakdowns import Breakdowns
from services.ingestion.store.now import now
from tests.ingestion.builders import a_failure, ago, an_execution, an_ingestion, record

READ = text("""
    SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables
    WHERE relname LIKE 'execution_logs%'
""")
ERRORS, SUCCESSES = 8, 490


@pytest.fixture(scope="module")
async def database(databases, notifier_address):
    url = databases.new("ingestion")
    async with an_ingestion(url, notifier_address) as stub:
        for workflow_id in ("a", "b"):
            failures = [
                a_failure("l", workflow_id, error_message="timeout", executed_at=ago(hours=n))
                for n in range(ERRORS)
            ]
            await record(stub, *failures, *[an_execution("l", workflow_id)] * SUCCESSES)
    async with Database.open(url, name="test", by_index=True) as opened:
        yield opened
    databases.drop(url)


@pytest.mark.parametrize(("workflow_id", "errors"), [("", 2 * ERRORS), ("a", ERRORS)])
async def test_no_success_is_read(database, workflow_id, errors):
    async with database.transaction() as session:
        before = await session.scalar(READ)
        windows = Windows.until(await now(session), timedelta(days=7))
        ask = Breakdowns(session, Scope("l", workflow_id), windows)
        (group,), _ = await ask.error_groups(Bucket.DAY, most=50)
        steps, _ = await ask.failing_steps(most=50)
        read = await session.scalar(READ) - before
    assert group.recurrence.count == sum(each.recurrence.count for each in steps) == errors
    assert read <= 5 * 2 * ERRORS, "four statements for the groups and one for the steps"
