"""What every test may ask for: a real PostgreSQL, and a fresh database of a service."""

from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.support.databases import Databases, postgres_for_tests

# The same examples on every machine, and no limit a busy machine could break.
hypothesis.settings.register_profile(
    "runwarden", derandomize=True, database=None, deadline=None, max_examples=50
)
hypothesis.settings.load_profile("runwarden")


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
