import pytest

from gateway.access import Scope
from gateway.access.sessions import COOKIE
from tests.gateway.rest.conftest import (  # noqa: F401  the same gateway, seen by a browser
    agency,
    gateway,
    location_id,
    session_street,
    street,
)
from tests.gateway.rest.well import make_well


@pytest.fixture
def well(street):  # noqa: F811
    make_well(street)
    return street


class Browser:
    """A signed-in browser: its cookie, and forms as it sends them."""

    def __init__(self, gateway, cookie):  # noqa: F811
        self._client = gateway.stranger.with_headers(Cookie=f"{COOKIE}={cookie}")
        self.cookie = cookie

    async def get(self, path, **params):
        return await self._client.get(path, **params)

    async def submit(self, path, **fields):
        return await self._client.call("POST", path, data=fields)


@pytest.fixture
def signed_in(gateway):  # noqa: F811
    """Signs a browser in with a new key."""

    async def signed_in(scope=Scope.ADMIN, location_id=None):  # noqa: F811
        secret, _ = await gateway.access.create_key(
            name="browser", scope=scope, location_id=location_id
        )
        return Browser(gateway, await gateway.access.sign_in(secret))

    return signed_in
