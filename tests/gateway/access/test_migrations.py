"""The migrations make the tables that the code knows."""

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from gateway.access.tables import GatewayTable
from gateway.wiring import MIGRATIONS
from libs.db import migrations


def test_the_tables_are_as_the_code_knows_them(new_database):
    url = new_database("gateway")
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        differences = compare_metadata(context, GatewayTable.metadata)
    engine.dispose()

    assert differences == []


def test_they_may_be_applied_again(new_database):
    migrations.upgrade(new_database("gateway"), MIGRATIONS)
