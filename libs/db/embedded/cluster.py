"""The databases on a server of our own, and who may enter which."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from libs.db.embedded.folder import secret
from libs.db.embedded.server import ADMIN, Server

ONE_AT_A_TIME = 7_236_127_431
"""Key of the advisory lock under which databases are made."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: its addresses and its databases."""

    folder: Path
    server: Server

    def url(self, database: str = ADMIN, *, user: str = ADMIN, password: str | None = None) -> str:
        """Gives the address of a database, the administrator's unless told otherwise."""
        password = self.server.password if password is None else password
        return f"postgresql://{user}:{password}@127.0.0.1:{self.server.port}/{database}"

    async def ensure_database(self, name: str, owner: str | None = None) -> str:
        """Gives the url of a database; makes it, and the role that owns it, when it is not there.

        The role has a password of its own and can enter no other database.
        """
        owner = owner or name
        _check_names(name, owner)
        password = secret(self.folder / f"{owner}.password")
        async with await psycopg.AsyncConnection.connect(self.url(), autocommit=True) as admin:
            await admin.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            await _ensure_role(admin, owner, password)
            await _ensure_database(admin, name, owner)
        return self.url(name, user=owner, password=password)


def _check_names(*names: str) -> None:
    for name in names:
        if name == ADMIN or not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
            raise ValueError(
                f"{name!r} is no name for a database: use a to z, 0 to 9 and _, not {ADMIN!r}"
            )


async def _ensure_role(admin: psycopg.AsyncConnection, role: str, password: str) -> None:
    if not await _exists(admin, "SELECT FROM pg_roles WHERE rolname = %s", role):
        await admin.execute(_statement("CREATE ROLE {} LOGIN", role))
    # Hashed here, so that the password is in no log and no statistics of the server.
    verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    await admin.execute(
        _statement("ALTER ROLE {} PASSWORD ", role) + sql.Literal(verifier.decode())
    )


async def _ensure_database(admin: psycopg.AsyncConnection, name: str, owner: str) -> None:
    if not await _exists(admin, "SELECT FROM pg_database WHERE datname = %s", name):
        await admin.execute(_statement("CREATE DATABASE {} OWNER {}", name, owner))
    for database in (name, ADMIN, "template1"):
        await admin.execute(_statement("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database))


async def _exists(admin: psycopg.AsyncConnection, query: LiteralString, name: str) -> bool:
    return await (await admin.execute(query, [name])).fetchone() is not None


def _statement(text: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))
