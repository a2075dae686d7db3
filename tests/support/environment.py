"""What the tests read from their surroundings."""

from pydantic_settings import BaseSettings


class TestEnvironment(BaseSettings):
    """Settings of a test run."""

    __test__ = False  # not a class of tests

    test_database_url: str | None = None
    """An administrator's url of a server to use instead of starting one."""
