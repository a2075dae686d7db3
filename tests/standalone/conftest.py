"""A program for whoever needs one of its own, and the street: one that most tests share."""

import tempfile
from pathlib import Path

import pytest

from tests.support.fronts import front
from tests.support.ghl import stand_in_ghl
from tests.support.ghl_agency import demo_agency
from tests.support.programs import standalone
from tests.support.smtp import mail_server

PARTS = ("ingestion", "scheduler", "notifier", "gateway")


@pytest.fixture
def data():
    """A data folder that another user may pass, as a checkout in a home folder often is not."""
    yield from _data_folder()


@pytest.fixture
def database_urls(new_database):
    """A database for each part, so that a test can move their clocks."""
    return {name: new_database(name) for name in PARTS}


@pytest.fixture
def databases_given(database_urls):
    return given(database_urls)


def given(urls):
    return {f"{name.upper()}_DATABASE_URL": url for name, url in urls.items()}


@pytest.fixture(scope="session")
def street_urls(databases):
    """The databases of the street, which one worker has: see `SHARED_PROGRAMS`."""
    made = {name: databases.new(name) for name in PARTS}
    yield made
    for each in made.values():
        databases.drop(each)


@pytest.fixture(scope="session")
def street_data():
    yield from _data_folder()


@pytest.fixture(scope="session")
async def mailbox():
    """The mail server of the street."""
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
async def front_door():
    """Where people come in, over https."""
    async with front() as made:
        yield made


@pytest.fixture(scope="session")
async def ghl():
    """The GoHighLevel of the street."""
    async with stand_in_ghl(demo_agency()) as running:
        yield running
        assert running.failures == []


@pytest.fixture(scope="session")
async def street(street_urls, street_data, mailbox, front_door, ghl):
    """One program for many tests; each has a location of its own."""
    around = {
        "SMTP_HOST": mailbox.host,
        "SMTP_PORT": str(mailbox.port),
        "SMTP_USER": mailbox.user,
        "SMTP_PASS": mailbox.password,
        "SMTP_TLS_CA": str(mailbox.ca_file),
        "SMTP_FROM": "Runwarden <alerts@agency.example>",
        "NOTIFIER_EGRESS_ALLOW": "127.0.0.1",
        "FRONTEND_URL": front_door.url,
        "SCHEDULER_GHL_BASE_URL": ghl.url,
    }
    async with standalone(street_data, **given(street_urls), **around) as running:
        front_door.behind = running.url
        yield running


@pytest.fixture
async def http(street):
    """A client of the street that carries the admin key."""
    async with street.http() as client:
        yield client


@pytest.fixture
def here(request):
    """The test's own location, as a query says it."""
    return {"location_id": request.node.name[:64].encode("ascii", "replace").decode()}


class Owner:
    """Somebody who is told things at an address of their own."""

    def __init__(self, address, mailbox):
        self.address = address
        self._mailbox = mailbox

    def mails(self):
        return [each for each in self._mailbox.mails if each.message["To"] == self.address]


@pytest.fixture
def owner(request, mailbox):
    """Whom nobody but this test tells anything."""
    return Owner(f"{request.node.name[-40:]}@agency.example", mailbox)


def _data_folder():
    with tempfile.TemporaryDirectory(prefix="runwarden-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"
