import stat
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from gateway.access import Access, Scope
from gateway.settings import GatewaySettings
from gateway.wiring import running
from libs.clock import SystemClock
from libs.db.database import Database
from libs.ids import new_id
from tests.gateway.fake_ingestion import fake_ingestion

NOBODY = "127.0.0.1:1"


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves, and what it was told."""

    url: str
    settings: GatewaySettings

    @property
    def admin_key(self) -> str:
        assert stat.S_IMODE(self.settings.admin_key_file.stat().st_mode) == 0o600
        return self.settings.admin_key_file.read_text().strip()


def gateway_settings(database_url: str, folder: Path, **more) -> GatewaySettings:
    """Gives settings of a gateway on a free port, with no services behind it but those named."""
    given = {
        "port": 0,
        "database_url": database_url,
        "admin_key_file": folder / "admin.key",
        "ingestion_address": NOBODY,
        "scheduler_address": NOBODY,
        "notifier_address": NOBODY,
    }
    return GatewaySettings(**given | more)


@pytest.fixture(scope="session")
async def one_ingestion():
    async with fake_ingestion() as fake:
        yield fake


@pytest.fixture
def ingestion(one_ingestion):
    """The ingestion behind `gateway`; it has seen nothing yet and is well."""
    one_ingestion.reset()
    yield one_ingestion
    one_ingestion.may_answer.set()


@pytest.fixture(scope="session")
async def gateway(databases, one_ingestion, tmp_path_factory):
    """A whole gateway over real HTTP; the tests share it and use locations of their own."""
    settings = gateway_settings(
        databases.new("gateway"),
        tmp_path_factory.mktemp("gateway"),
        ingestion_address=one_ingestion.address,
        largest_backlog=600,
    )
    async with running(settings) as url:
        yield Gateway(url, settings)


@pytest.fixture(scope="session")
async def http(gateway):
    """A client without a key."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(gateway.url, connector=connector) as client:
        yield client


@pytest.fixture(scope="session")
async def access(gateway):
    """Another gateway's view of the same keys and locations."""
    url = gateway.settings.database_url.get_secret_value()
    async with Database.open(url, name="tests") as database:
        yield Access(database, SystemClock())


@pytest.fixture
def location_id():
    """A location of this test alone."""
    return f"loc-{new_id()}"


@pytest.fixture
async def ingest_key(access, location_id):
    """A key of this test's location that opens the door and nothing else."""
    secret, _ = await access.create_key(name="hl", scope=Scope.INGEST, location_id=location_id)
    return secret
