"""The first key: made at the first start, kept in a file that only its owner reads."""

import asyncio
import os
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.access import keys, store
from gateway.access.callers import Scope
from libs.db.database import Database
from libs.ids import new_id
from libs.problems import CannotStart, Unauthenticated

log = structlog.get_logger()

NAME = "admin"
OWNER_ONLY = 0o600


async def ensure_admin_key(database: Database, file: Path) -> None:
    """Makes an admin key of the agency, unless the file holds one that works.

    The file is the only place it is kept, so a lost file means a new key; the
    lost one stays valid until somebody revokes it. Several gateways may start at
    once: those that share the file share the key.
    """
    async with database.transaction() as session:
        await store.lock_admin_key(session)
        kept = await asyncio.to_thread(_kept, file)
        if kept and await _works(session, kept):
            return
        secret = keys.new_secret(Scope.ADMIN)
        key = await store.add_key(session, keys.NewKey.of(secret, NAME, Scope.ADMIN))
        # Before the commit: a key in the file alone is replaced at the next start, a
        # key in the database alone would be lost.
        await asyncio.to_thread(_keep, file, secret)
    log.info("access.admin_key_made", file=str(file), key_id=key.key_id)


async def _works(session: AsyncSession, secret: str) -> bool:
    found = await store.find_key(session, keys.digest(secret))
    if found is None or not found.usable:
        return False
    return found.key.scope is Scope.ADMIN and found.key.location_id is None


def _kept(file: Path) -> str | None:
    try:
        file.chmod(OWNER_ONLY)
        content = file.read_text().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"GATEWAY_ADMIN_KEY_FILE={file} cannot be read: {error}") from error
    try:
        return keys.checked_secret(content)
    except Unauthenticated as error:
        raise CannotStart(
            f"GATEWAY_ADMIN_KEY_FILE={file} holds something else than a key. "
            "Remove the file, and a new key is made; or name another file."
        ) from error


def _keep(file: Path, secret: str) -> None:
    draft = file.with_name(f"{file.name}.{new_id()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w"
        ) as out:
            out.write(f"{secret}\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        raise CannotStart(
            f"GATEWAY_ADMIN_KEY_FILE={file} cannot be written: {error.strerror}. "
            "Give its folder to the user that runs the gateway, or name another file."
        ) from error
