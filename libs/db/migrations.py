"""Brings a database to the newest version of its tables, one process at a time."""

import asyncio
import threading
import time
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from libs.problems import CannotStart

SCRIPTS = Path(__file__).with_name("alembic")
ADVISORY_LOCK = 0x72756E77  # "runw"; the lock is the database's own, so one number serves all
CONNECT_SECONDS = 60.0
_one_at_a_time = threading.Lock()
"""Alembic keeps its context in a module: two threads corrupt each other."""


async def apply(url: str, folder: Path) -> None:
    """Runs `upgrade` in a thread, because Alembic blocks."""
    await asyncio.to_thread(upgrade, url, folder)


def upgrade(url: str, folder: Path) -> None:
    """Applies the migrations of `folder` that the database does not have yet.

    Waits up to a minute for a database that is still starting. Several
    processes may call it at once: an advisory lock lets one through. Where
    nothing is to be done it is not asked for.
    """
    if _version(url) == _newest(folder, frozenset(each.name for each in folder.glob("*.py"))):
        return
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _connected(url), poolclass=NullPool
    )
    with _one_at_a_time, engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        # Only now: waiting for another process's migration is right, waiting for
        # a table that is in use is not.
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.commit()
        try:
            config = _config(folder)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
    engine.dispose()


def _version(url: str) -> str | None:
    with _connected(url) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


@cache
def _newest(folder: Path, _: Collection[str]) -> str | None:
    """Gives the newest version in a folder, which is read once as long as its files are the same."""
    with _one_at_a_time:
        return ScriptDirectory.from_config(_config(folder)).get_current_head()


def _connected(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    until = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return psycopg.connect(url, connect_timeout=5, application_name="runwarden-migrations")
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise CannotStart(
                    f"The database does not answer: {str(error).strip()}\n"
                    "Check *_DATABASE_URL and that PostgreSQL runs."
                ) from error
            time.sleep(0.5)


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("version_locations", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
