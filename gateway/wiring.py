"""Puts the gateway together: keys, services, the webhook door, the REST API, the pages."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway import signature
from gateway.access import Access
from gateway.access.admin_key import ensure_admin_key
from gateway.batches import batching
from gateway.door import Door
from gateway.intake import Intake
from gateway.peers import HEARTBEAT, connected, keep_open, recording
from gateway.rest import app
from gateway.serving import serving
from gateway.settings import GatewaySettings
from gateway.signature import Signatures
from gateway.signed import SignedWebhooks
from libs.clock import Clock, SystemClock
from libs.clockwork import clockwork
from libs.db import migrations
from libs.db.database import Database

log = structlog.get_logger()

MIGRATIONS = Path(__file__).with_name("access") / "migrations"


@asynccontextmanager
async def running(
    settings: GatewaySettings, *, clock: Clock | None = None, heartbeat: timedelta = HEARTBEAT
) -> AsyncIterator[str]:
    """Runs the gateway until the block ends; yields its url."""
    clock = clock or SystemClock()
    trusted = signature.public_keys(settings.highlevel_keys)
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
        signed = _signed(trusted, settings, access, clock) if trusted else None
        door = Door(access, Intake(access, batches), proxied, signed=signed)
        async with (
            serving(door, settings.host, settings.port, at_once=door.at_once) as address,
            clockwork(grace=timedelta(0)) as works,
        ):
            works.every(heartbeat, partial(keep_open, services), name="door_heartbeat")
            yield address


def _signed(
    trusted: Sequence[Ed25519PublicKey], settings: GatewaySettings, access: Access, clock: Clock
) -> SignedWebhooks:
    log.info("gateway.accepts_signatures", keys=len(trusted))
    return SignedWebhooks(
        Signatures(trusted),
        access,
        clock,
        window=settings.highlevel_window,
        a_minute=settings.highlevel_requests_a_minute,
    )
