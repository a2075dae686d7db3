"""The migrations make the tables the code believes in."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import create_engine

from libs.db import migrations
from libs.problems import CannotStart
from services.scheduler.store.tables import SchedulerTable
from services.scheduler.wiring import MIGRATIONS, running
from tests.scheduler.asking import sql


def drift(url):
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    options = {"compare_type": True, "compare_server_default": False}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, SchedulerTable.metadata)
    engine.dispose()
    return found


async def test_tables_and_migrations_say_the_same(url):
    assert drift(url) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE scan_history DROP COLUMN reason",
        "DROP INDEX scan_history_active_key",
        "ALTER TABLE scan_results ALTER score TYPE bigint",
        "ALTER TABLE findings DROP CONSTRAINT findings_scan_id_position_key",
        "ALTER TABLE scan_schedules ALTER timezone DROP NOT NULL",
    ],
)
async def test_a_difference_between_them_is_seen(url, change):
    await sql(url, change)

    assert drift(url) != []


async def test_the_conditions_of_partial_indexes_are_the_same(url):
    async def conditions():
        return await sql(
            url,
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%%WHERE%%'"
            " AND schemaname = 'public' ORDER BY indexname",
        )

    migrated = await conditions()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    SchedulerTable.metadata.drop_all(engine)
    SchedulerTable.metadata.create_all(engine)
    engine.dispose()

    assert await conditions() == migrated
    assert {"scan_history_active_key", "scan_history_fire_key"} <= {
        each.indexname for each in migrated
    }


async def test_migrating_twice_changes_nothing(url):
    await sql(url, "INSERT INTO scheduler_replicas VALUES ('r-1', now(), now(), NULL, 0, '2026a')")

    migrations.upgrade(url, MIGRATIONS)

    assert drift(url) == []
    assert len(await sql(url, "SELECT 1 FROM scheduler_replicas")) == 1


async def test_an_address_that_cannot_be_read_is_named(settings):
    nonsense = settings.model_copy(update={"database_url": SecretStr("my database")})

    with pytest.raises(CannotStart, match="SCHEDULER_DATABASE_URL"):
        async with running(nonsense):
            pass
