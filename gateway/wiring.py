"""Puts the gateway together: keys, services, the webhook door, the REST API, the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.access import Access
from gateway.access.admin_key import ensure_admin_key
from gateway.batches import batching
from gateway.door import Door
from gateway.intake import Intake
from gateway.peers import connected, recording
from gateway.rest import app
from gateway.serving import serving
from gateway.settings import GatewaySettings
from libs.clock import Clock, SystemClock
from libs.db import migrations
from libs.db.database import Database

MIGRATIONS = Path(__file__).with_name("access") / "migrations"


@asynccontextmanager
async def running(settings: GatewaySettings, *, clock: Clock | None = None) -> AsyncIterator[str]:
    """Runs the gateway until the block ends; yields its url."""
    clock = clock or SystemClock()
    url = settings.database_url.get_secret_value()
    await migrations.apply(url, MIGRATIONS)
    async with (
        Database.open(url, name="runwarden-gateway") as database,
        connected(settings) as services,
        batching(recording(services), largest_backlog=settings.largest_backlog) as batches,
    ):
        await ensure_admin_key(database, settings.admin_key_file)
        access = Access(database, clock)
        behind: Any = app.create(services, access, settings, clock, batches)
        # Behind the door: who sent a webhook is told by its key, not by an address.
        proxied: Any = ProxyHeadersMiddleware(behind)
        door = Door(access, Intake(access, batches), proxied)
        async with serving(door, settings.host, settings.port) as address:
            yield address
