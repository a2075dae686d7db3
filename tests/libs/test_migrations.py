import asyncio

import psycopg
import pytest

from libs.db import migrations

ONE = '''
"""Makes a table."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE things (id int)")
    op.execute("SELECT pg_sleep(0.1)")
'''


@pytest.fixture
def folder(tmp_path):
    percent = tmp_path / "100%"
    percent.mkdir()
    (percent / "0001_things.py").write_text(ONE)
    return percent


@pytest.fixture
def url(databases):
    made = databases.new_empty()
    yield made
    databases.drop(made)


async def test_four_at_once_apply_each_migration_once(url, folder):
    await asyncio.gather(*(migrations.apply(url, folder) for _ in range(4)))

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("0001",)
        ]


async def test_a_database_that_has_all_is_not_locked(url, folder):
    await migrations.apply(url, folder)
    with psycopg.connect(url) as another:
        another.execute("SELECT pg_advisory_lock(%s)", [migrations.ADVISORY_LOCK])
        await asyncio.wait_for(migrations.apply(url, folder), 10)

    (folder / "0002_more.py").write_text(
        ONE.replace("0001", "0002").replace("None", '"0001"').replace("things", "more")
    )
    await migrations.apply(url, folder)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('more')::text").fetchone() == ("more",)


async def test_a_migration_that_fails_changes_nothing_and_frees_the_lock(url, folder):
    broken = folder / "0002_broken.py"
    broken.write_text(
        ONE.replace("0001", "0002")
        .replace("None", '"0001"')
        .replace("things (id int", "others (id nope")
    )
    with pytest.raises(Exception, match="nope"):
        await migrations.apply(url, folder)
    broken.unlink()

    await migrations.apply(url, folder)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('others')").fetchone() == (None,)
