"""Grants in the database: one renewer at a time over all processes, and none is lost."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from libs.clock import SystemClock
from libs.db import migrations
from libs.db.database import Database
from libs.secrets import SecretBox
from services.scheduler.actions.granting import StoredGrants, TokenLost, sealed
from services.scheduler.domain.connection import ConnectionKind, ConnectionStatus
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.oauth import Grant, OAuthApp
from services.scheduler.ghl.problems import ConnectionExpired
from services.scheduler.ghl.tokens import AccessToken
from services.scheduler.store import connections
from services.scheduler.wiring import MIGRATIONS
from tests.scheduler.asking import LOCATION, sql

BOX = SecretBox(["new key", "old key"])
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def grants(url, database, ghl):
    """The stored grant of a location, whose access token has ended."""
    await migrations.apply(url, MIGRATIONS)
    access, refresh = ghl.agency.grant(LOCATION)
    ghl.agency.expire(access)
    await kept(database, Grant(AccessToken(access, LONG_AGO), refresh))
    return StoredGrants(database, BOX, LOCATION)


async def kept(database, grant, box=BOX):
    async with database.transaction() as session:
        await connections.put(
            session,
            LOCATION,
            ConnectionKind.OAUTH,
            sealed(grant, box),
            status=ConnectionStatus.CONNECTED,
            error="",
            actor="",
        )


async def test_of_many_processes_one_renews(url, ghl, grants):
    app = OAuthApp(ghl.agency.client_id, ghl.agency.client_secret)
    async with AsyncExitStack() as stack:
        sources = []
        for _ in range(4):
            database = await stack.enter_async_context(Database.open(url, name="replica"))
            client = await stack.enter_async_context(GhlClient.open(ghl.url, SystemClock()))
            keeper = StoredGrants(database, BOX, LOCATION)
            sources.append(client.oauth_tokens(LOCATION, app, keeper))

        tokens = await asyncio.gather(*(each.current() for each in sources))

    assert len({each.value for each in tokens}) == 1
    assert len(ghl.calls_of("/oauth/token")) == 1
    stored = await grants.read()
    assert stored.access == tokens[0]
    assert stored.refresh_token in ghl.agency.refresh_tokens


async def test_what_is_renewed_stands_when_the_block_ends(grants):
    async with grants.held() as held:
        await held.replace(Grant(AccessToken("access-2"), "refresh-2"))
        assert (await grants.read()).refresh_token != "refresh-2"

    assert await grants.read() == Grant(AccessToken("access-2"), "refresh-2")


async def test_a_failed_renewal_lets_the_next_one_in(grants):
    before = await grants.read()
    with pytest.raises(RuntimeError):
        async with grants.held():
            raise RuntimeError

    async with asyncio.timeout(5), grants.held() as held:
        assert held.grant == before


async def test_a_renewer_that_went_away_is_passed_after_a_while(url, database, grants):
    async with database.transaction() as session:
        await connections.hold(session, LOCATION, "a process that dies")
    await sql(url, "UPDATE ghl_connections SET renewing_until = clock_now()")

    async with asyncio.timeout(5), grants.held():
        pass


async def test_a_new_connection_is_not_overwritten_by_an_old_renewal(database, grants):
    async with grants.held() as held:
        await kept(database, Grant(AccessToken("access-3"), "refresh-3"))
        await held.replace(Grant(AccessToken("access-2"), "refresh-2"))

    assert (await grants.read()).refresh_token == "refresh-3"


async def test_without_a_connection_there_is_no_grant(database, grants):
    async with database.transaction() as session:
        await connections.remove(session, LOCATION)

    with pytest.raises(ConnectionExpired):
        await grants.read()
    with pytest.raises(ConnectionExpired):
        async with grants.held():
            pass


async def test_keys_are_rotated_by_a_list(database, grants):
    grant = Grant(AccessToken("access", datetime.now(UTC) + timedelta(days=1)), "refresh")
    await kept(database, grant, SecretBox(["old key"]))
    assert await grants.read() == grant

    await kept(database, grant, SecretBox(["a key that is gone"]))
    with pytest.raises(TokenLost):
        await grants.read()
