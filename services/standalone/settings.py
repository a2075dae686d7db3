"""What the standalone program can be told from outside: `STANDALONE_DATA`, and databases to use."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import SecretList, Settings


class StandaloneSettings(Settings):
    """Settings of the standalone program; those of its parts hold as well."""

    model_config = SettingsConfigDict(env_prefix="STANDALONE_")

    data: Path = Path(".runwarden")
    """Folder for the database, `admin.key` and `runtime.json`; its owner's alone."""

    ingestion_database_url: SecretStr | None = Field(
        default=None, validation_alias="INGESTION_DATABASE_URL"
    )
    """A database for ingestion instead of the embedded one."""

    scheduler_database_url: SecretStr | None = Field(
        default=None, validation_alias="SCHEDULER_DATABASE_URL"
    )
    """A database for the scheduler instead of the embedded one."""

    notifier_database_url: SecretStr | None = Field(
        default=None, validation_alias="NOTIFIER_DATABASE_URL"
    )
    """A database for the notifier instead of the embedded one."""

    gateway_database_url: SecretStr | None = Field(
        default=None, validation_alias="GATEWAY_DATABASE_URL"
    )
    """A database for the gateway instead of the embedded one."""

    encryption_keys: SecretList | None = Field(default=None, validation_alias="ENCRYPTION_KEYS")
    """Keys for what is encrypted at rest; by default one is made and kept in the data folder."""
