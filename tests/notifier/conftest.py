"""A running notifier, and the people and programs it tells."""

from contextlib import AsyncExitStack
from datetime import timedelta

import psycopg
import pytest

from services.notifier.store.tables import NotifierTable
from tests.notifier.builders import a_notifier, smtp
from tests.support.database_clock import release_clock
from tests.support.receivers import receiver
from tests.support.smtp import mail_server


@pytest.fixture
def database_url(new_database):
    return new_database("notifier")


@pytest.fixture
async def start(database_url):
    """Starts notifiers on the database of the test; gives a stub of each."""
    async with AsyncExitStack() as stack:

        async def start(**changes):
            return await stack.enter_async_context(a_notifier(database_url, **changes))

        yield start


@pytest.fixture(scope="session")
def notifier_url(databases):
    """The database of the shared notifier that catches its mails."""
    return databases.new("notifier")


@pytest.fixture(scope="session")
async def shared_notifier(notifier_url):
    async with a_notifier(notifier_url) as stub:
        yield stub


@pytest.fixture(scope="session")
def patient_url(databases):
    """The database of the shared notifier that waits as an installation does."""
    return databases.new("notifier")


@pytest.fixture(scope="session")
async def patient_notifier(patient_url):
    waits = {"group_wait": timedelta(seconds=30), "hold_down": timedelta(minutes=10)}
    async with a_notifier(patient_url, **waits) as stub:
        yield stub


@pytest.fixture
async def notifier(shared_notifier, notifier_url):
    """A notifier without a mail server: it catches its mails. Shared, and empty."""
    await empty(notifier_url)
    return shared_notifier


@pytest.fixture(scope="session")
def delivering_url(databases):
    """The database of the shared notifier that sends."""
    return databases.new("notifier")


@pytest.fixture(scope="session")
async def shared_mailbox():
    async with mail_server() as server:
        yield server


@pytest.fixture
def mailbox(shared_mailbox):
    """A mail server with STARTTLS and a password. Shared, and empty."""
    shared_mailbox.mails.clear()
    shared_mailbox._answers.clear()
    shared_mailbox.attempts = 0
    return shared_mailbox


@pytest.fixture(scope="session")
async def shared_delivering(delivering_url, shared_mailbox):
    changes = smtp(shared_mailbox) | {"egress_allow": ["127.0.0.1"]}
    async with a_notifier(delivering_url, **changes) as stub:
        yield stub


@pytest.fixture
async def delivering(shared_delivering, delivering_url, mailbox):
    """A notifier that can reach the mailbox and loopback. Shared, and empty."""
    release_clock(delivering_url)
    await empty(delivering_url)
    return shared_delivering


@pytest.fixture
async def hook():
    """A receiver of webhooks."""
    async with receiver() as made:
        yield made


async def empty(url):
    # Asynchronously: it waits for what the notifier is doing on this very loop.
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("LOCK TABLE targets IN EXCLUSIVE MODE")  # as deliveries do
        for table in reversed(NotifierTable.metadata.sorted_tables):
            await connection.execute(f"DELETE FROM {table.name}")
