"""What the scheduler can be told from outside: `SCHEDULER_*` in the environment."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """Settings of the scheduler service."""

    model_config = SettingsConfigDict(env_prefix="SCHEDULER_")

    port: int = Field(default=50052, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""

    database_url: SecretStr
    """The database that the scheduler alone owns, as libpq reads it."""

    ingestion_address: str = "127.0.0.1:50051"
    """Where ingestion answers, `host:port`."""

    notifier_address: str = "127.0.0.1:50053"
    """Where the notifier answers, `host:port`."""

    concurrent_scans: int = Field(default=4, ge=1, le=100)
    """How many scans one process runs at a time."""

    scan_timeout: timedelta = Field(default=timedelta(hours=1), gt=timedelta(0))
    """How long one attempt at a scan may take; the next one goes on where it was."""
