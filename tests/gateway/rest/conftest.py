import pytest

from gateway.access import Scope
from libs.ids import new_id
from tests.gateway.rest.fakes import street as running_street
from tests.gateway.rest.serving import served


@pytest.fixture(scope="session")
async def session_street():
    async with running_street() as street:
        yield street


@pytest.fixture(scope="session")
async def gateway(session_street, databases):
    """One gateway for all tests: each has its own location and its own keys."""
    url = databases.new("gateway")
    async with served(session_street, url) as gateway:
        yield gateway
    databases.drop(url)


@pytest.fixture
def street(session_street):
    session_street.forget()
    return session_street


@pytest.fixture
def location_id():
    return f"loc-{new_id()}"


@pytest.fixture
async def agency(gateway):
    """A client with an admin key of the agency."""
    return await gateway.client(Scope.ADMIN)


@pytest.fixture
async def client(gateway, location_id):
    """A client with a write key of the test's location."""
    return await gateway.client(Scope.WRITE, location_id)


@pytest.fixture
async def reader(gateway, location_id):
    return await gateway.client(Scope.READ, location_id)
