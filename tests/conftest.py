"""What every test may ask for: a real PostgreSQL, and a fresh database of a service."""

import gc
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.databases import Databases, postgres_for_tests

# The same examples on every machine, and no limit a busy machine could break.
hypothesis.settings.register_profile(
    "runwarden", derandomize=True, database=None, deadline=None, max_examples=50
)
hypothesis.settings.load_profile("runwarden")

SHARED_PROGRAMS = {
    "tests/standalone/test_bad_input.py": "street",
    "tests/standalone/test_findings.py": "street",
    "tests/standalone/test_ghl_scan.py": "street",
    "tests/standalone/test_history.py": "street",
    "tests/standalone/test_hostile_input.py": "street",
    "tests/standalone/test_links_in_mails.py": "street",
    "tests/standalone/test_readme.py": "readme",
    "tests/standalone/test_story.py": "street",
}
"""Modules whose tests share a program, which takes longer to start than they take to run."""


class SomeModulesTogether(LoadScopeScheduling):
    """Gives the modules of a program to one worker, and every other test to whoever is free.

    That is what `xdist_group` is for; with this pytest it does nothing, because
    pytest no longer lets xdist write the group into the name of a test.
    """

    def _split_scope(self, nodeid: str) -> str:
        return SHARED_PROGRAMS.get(nodeid.partition("::")[0], nodeid)


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer | None
) -> SomeModulesTogether | None:
    """Takes the place of xdist's own when it was asked for groups."""
    together = config.getoption("dist") == "loadgroup"
    return SomeModulesTogether(config, log) if together else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keeps the collector from walking, again and again, through all that was imported."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what takes longest first, so that no worker waits at the end for another one."""
    items.sort(key=lambda each: "standalone" not in each.nodeid)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The administrator's address of the server that this session's databases are on."""
    with postgres_for_tests() as admin_url:
        yield admin_url


@pytest.fixture(scope="session")
def databases(postgres: str) -> Iterator[Databases]:
    """The migrated templates, one per service, made when first asked for."""
    with Databases(postgres) as databases:
        yield databases


@pytest.fixture
def new_database(databases: Databases) -> Iterator[Callable[[str], str]]:
    """Makes an empty, migrated database: `url = new_database("ingestion")`.

    It is gone after the test, whoever is still connected.
    """
    made: list[str] = []

    def new_database(service: str) -> str:
        made.append(databases.new(service))
        return made[-1]

    yield new_database
    for url in made:
        databases.drop(url)
