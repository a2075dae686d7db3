"""What ingestion can be told from outside: `INGESTION_*` in the environment."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import SecretList, ServiceSettings


class IngestionSettings(ServiceSettings):
    """Settings of the ingestion service."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_")

    port: int = Field(default=50051, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""

    database_url: SecretStr
    """The database that ingestion alone owns, as libpq reads it."""

    notifier_address: str = "127.0.0.1:50053"
    """Where the notifier answers, `host:port`."""

    encryption_keys: SecretList = Field(validation_alias="ENCRYPTION_KEYS", min_length=1)
    """Keys for what is encrypted at rest, comma-separated; the first encrypts, all decrypt."""

    run_limit_hours: int = Field(default=24, ge=1, le=720)
    """Hours after which a run that started and did not end counts as failed, where its
    workflow has no limit of its own."""

    gap_after: timedelta = Field(
        default=timedelta(minutes=1), ge=timedelta(seconds=30), le=timedelta(hours=1)
    )
    """How long no door may have been open before people are told that executions may be missing;
    30 seconds to 1 hour."""

    retention_days: int = Field(default=90, ge=31, le=3650)
    """Days an execution is kept."""
