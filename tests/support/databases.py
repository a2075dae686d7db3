"""One template database per service, made by its migrations, and copies of it for the tests."""

import itertools
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from libs.db import migrations
from libs.db.embedded import running_postgres
from tests.support.environment import TestEnvironment

ROOT = Path(__file__).parents[2]

# Nothing here outlives the session, so nothing waits for a disk.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "300",
    # 4,096 rounds at each connection guard no secret here.
    "scram_iterations": "1",
}
ROOM = 4 * 1024**3
"""Bytes that must be free in memory: each worker's server keeps up to 1 GiB of its log there, and
databases of 8 MiB until their tests end."""


@contextmanager
def postgres_for_tests() -> Iterator[str]:
    """Gives the administrator's url of `TEST_DATABASE_URL`, or of a server of our own."""
    if given := TestEnvironment().test_database_url:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="runwarden-tests-", dir=_roomy_memory()))
    try:
        folder.chmod(0o711)  # lets root hand the server to another user
        with running_postgres(folder, settings=FORGETFUL) as cluster:
            yield cluster.url()
    finally:
        shutil.rmtree(folder)


def _roomy_memory() -> Path | None:
    """Gives a folder in memory: making and dropping databases there costs half the system time.

    None where there is none, or too little of it, as in many containers.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else None


def migrations_of(service: str) -> Path:
    """Gives the folder with the migrations of a service, or of the gateway."""
    if service == "gateway":
        return ROOT / "gateway" / "access" / "migrations"
    return ROOT / "services" / service / "store" / "migrations"


class Databases:
    """Makes and drops databases on one server; all belong to one plain role.

    The role is no superuser, so a migration that needs more rights than an
    owner has fails here and not at an installation.
    """

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._role = f"test_{uuid.uuid4().hex[:12]}"
        self._serial = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._made: set[str] = set()

    def __enter__(self) -> Self:
        self._admin = psycopg.connect(self._admin_url, autocommit=True)
        self._execute("CREATE ROLE {} LOGIN PASSWORD 'test'", self._role)
        return self

    def __exit__(self, *_: object) -> None:
        for url in list(self._made):
            self.drop(url)
        self._execute("DROP ROLE {}", self._role)
        self._admin.close()

    def new(self, service: str) -> str:
        """Gives the url of a new database, just migrated and empty."""
        template = self._templates.get(service) or self._new_template(service)
        name = self._new_name(service)
        self._execute(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER {}", name, template, self._role
        )
        return self._made_at(name)

    def new_empty(self) -> str:
        """Gives the url of a new database that no migration has touched."""
        name = self._new_name("empty")
        self._execute("CREATE DATABASE {} OWNER {}", name, self._role)
        return self._made_at(name)

    def drop(self, url: str) -> None:
        """Drops a database and throws out whoever is still connected to it."""
        self._execute("DROP DATABASE {} WITH (FORCE)", _name_in(url))
        self._made.discard(url)

    def _new_template(self, service: str) -> str:
        url = self.new_empty()
        migrations.upgrade(url, migrations_of(service))
        self._templates[service] = _name_in(url)
        return self._templates[service]

    def _new_name(self, service: str) -> str:
        return f"{service}_{next(self._serial)}_{self._role}"

    def _made_at(self, database: str) -> str:
        server = urlsplit(self._admin_url)
        place = f"{self._role}:test@{server.netloc.rpartition('@')[2]}"
        url = urlunsplit(server._replace(netloc=place, path=f"/{database}"))
        self._made.add(url)
        return url

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _name_in(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
