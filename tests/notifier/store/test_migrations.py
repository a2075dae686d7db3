import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from libs.db import migrations
from services.notifier.store.tables import NotifierTable
from tests.support.databases import migrations_of


@pytest.fixture
def url(databases):
    made = databases.new("notifier")
    yield made
    databases.drop(made)


def described(url):
    """Gives what `compare_metadata` overlooks: checks, predicates, collations, identities."""
    with psycopg.connect(url) as connection:
        checks = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version' ORDER BY 1"
        ).fetchall()
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, collation_name, is_nullable, is_identity"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name <> 'alembic_version' ORDER BY 1, 2"
        ).fetchall()
    return [row for row in checks if not row[0].startswith("alembic")], indexes, columns


def test_the_migrations_make_the_tables_that_the_code_declares(url, databases):
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        drift = compare_metadata(MigrationContext.configure(connection), NotifierTable.metadata)
    engine.dispose()

    declared = databases.new_empty()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(declared))
    with engine.begin() as connection:
        NotifierTable.metadata.create_all(connection)
    engine.dispose()

    assert drift == []
    assert described(url) == described(declared)
    databases.drop(declared)


def test_migrations_may_be_applied_twice(url):
    before = described(url)

    migrations.upgrade(url, migrations_of("notifier"))

    assert described(url) == before
