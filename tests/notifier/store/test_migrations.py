import importlib

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text

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


EARLIER = """
INSERT INTO targets (target_id, location_id, origin, channel, address, disabled_because,
                     lease_until, next_at, created_at)
VALUES ('t', 'loc', 'settings', 'webhook', 'https://x.example/', '', 'epoch', 'epoch', now());
INSERT INTO events (event_id, location_id, kind, payload, occurred_at, received_at)
VALUES ('e', 'loc', 'scan_completed', '{}', now(), now());
INSERT INTO deliveries (delivery_id, location_id, event_id, target_id, channel, sent_to, occasion,
    subject, body_text, body_html, body, status, suppressed_because, attempts, last_error,
    created_at, next_attempt_at, delivered_at)
VALUES ('waits', 'loc', 'e', 't', 'webhook', '', 'summary', 's', '', '', '{"a":1}', 'pending', '',
        1, '', now(), now(), NULL),
       ('not-sent', 'loc', 'e', NULL, '', '', 'summary', 's', '', '', '', 'suppressed',
        'no_target', 0, '', now(), NULL, NULL);
INSERT INTO delivery_attempts (delivery_id, verdict, detail, charged, elapsed_ms, ended_at)
VALUES ('waits', 'later', '', true, 1, now());
"""
AFTERWARDS = """
SELECT d.delivery_id, m.message_id, m.body, a.verdict
FROM deliveries d
LEFT JOIN messages m ON m.message_id = d.message_id
LEFT JOIN delivery_attempts a ON a.message_id = m.message_id
ORDER BY d.delivery_id
"""


def test_what_waited_before_there_were_messages_is_sent_with_the_same_id_and_bytes(databases):
    url = databases.new_empty()
    files = sorted(migrations_of("notifier").glob("0*.py"))
    steps = [importlib.import_module(f"services.notifier.store.migrations.{f.stem}") for f in files]
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            for step in steps[:3]:
                step.upgrade()
            connection.execute(text(EARLIER.replace(":1", "\\:1")))
            for step in steps[3:]:
                step.upgrade()
        found = connection.execute(text(AFTERWARDS)).all()
    engine.dispose()
    databases.drop(url)

    assert [tuple(each) for each in found] == [
        ("not-sent", None, None, None),
        ("waits", "waits", b'{"a":1}', "later"),
    ]
