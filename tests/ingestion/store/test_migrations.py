"""The migrations make exactly the tables that the code knows."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from libs.db import migrations
from services.ingestion.store.tables import IngestionTable
from services.ingestion.wiring import MIGRATIONS
from tests.ingestion.builders import an_ingestion

PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits"


@pytest.fixture
async def url(new_database, notifier_address):
    """A database that a service ran on, partitions and all."""
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address):
        pass
    return url


def differences(url):
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        partitions = {row[0] for row in connection.exec_driver_sql(PARTITIONS)}
        assert partitions

        def ours(thing, name, type_, reflected, compared):
            table = name if type_ == "table" else getattr(thing, "table", thing).name
            return table not in partitions | {"alembic_version"}

        context = MigrationContext.configure(connection, opts={"include_object": ours})
        found = compare_metadata(context, IngestionTable.metadata)
    engine.dispose()
    return found


def test_the_tables_of_the_migrations_are_those_of_the_code(url):
    assert differences(url) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE workflows ADD COLUMN extra text",
        "ALTER TABLE execution_logs ALTER COLUMN execution_time_ms TYPE integer",
        "DROP INDEX execution_logs_failed_idx",
        "DROP TABLE quarantined_deliveries",
    ],
)
def test_a_difference_would_be_noticed(url, change):
    with psycopg.connect(url) as connection:
        connection.execute(change)
    assert differences(url) != []


def test_applying_them_twice_changes_nothing(url):
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE location_settings SET failure_threshold = 7")
    migrations.upgrade(url, MIGRATIONS)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT failure_threshold FROM location_settings").fetchall()
    assert found == [(7,)]
