"""A stand-in GoHighLevel and the client that calls it, both on time that needs no waiting."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from libs.clock import FixedClock
from services.scheduler.ghl.client import ConnectedLocation, GhlClient
from services.scheduler.ghl.tokens import PrivateToken
from tests.support.ghl import StandInGhl, stand_in_ghl
from tests.support.ghl_client import VirtualTimer
from tests.support.ghl_state import StandInAgency, StandInLocation

LOCATION_ID = "RiversideDental00001"


@pytest.fixture
def timer() -> VirtualTimer:
    return VirtualTimer()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.fixture
async def ghl(timer: VirtualTimer) -> AsyncIterator[StandInGhl]:
    async with stand_in_ghl(StandInAgency(now=timer.monotonic)) as ghl:
        yield ghl
        assert ghl.failures == []


@pytest.fixture
def known(ghl: StandInGhl) -> StandInLocation:
    """The location as GoHighLevel knows it."""
    return ghl.agency.add_location(LOCATION_ID)


@pytest.fixture
async def client(ghl: StandInGhl, clock: FixedClock, timer: VirtualTimer):
    async with GhlClient.open(ghl.url, clock, timer=timer, jitter=lambda: 0.0) as client:
        yield client


@pytest.fixture
def connect(
    ghl: StandInGhl, client: GhlClient, known: StandInLocation
) -> Callable[..., ConnectedLocation]:
    """Connects the location with a private token: `connect(scopes={…})`."""

    def connect(**token) -> ConnectedLocation:
        value = ghl.agency.private_token(known.id, **token)
        return client.location(known.id, PrivateToken(value))

    return connect


@pytest.fixture
def location(connect) -> ConnectedLocation:
    """The location as the client sees it, with a token that may read everything."""
    return connect()
