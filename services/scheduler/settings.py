"""What the scheduler can be told from outside: `SCHEDULER_*` in the environment."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from libs.settings import LOOPBACK, SecretList, ServiceSettings


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

    encryption_keys: SecretList = Field(validation_alias="ENCRYPTION_KEYS", min_length=1)
    """Keys for what is encrypted at rest, comma-separated; the first encrypts, all decrypt."""

    ghl_base_url: str = "https://services.leadconnectorhq.com"
    """Where GoHighLevel's API answers; on loopback a stand-in may, without TLS."""

    ghl_client_id: str = ""
    """Client id of the marketplace app whose grants locations are connected with."""

    ghl_client_secret: SecretStr = SecretStr("")
    """Client secret of that app; needed only for connections by OAuth."""

    retention_days: int = Field(default=365, ge=1, le=3650)
    """How many days scans are kept; the last completed one of each scope stays."""

    @field_validator("ghl_base_url")
    @classmethod
    def _safe_for_tokens(cls, given: str) -> str:
        url = urlsplit(given)
        safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
        if not (safe and url.hostname) or url.query or url.fragment or url.username:
            raise ValueError("write https://host, or http:// for a stand-in on loopback")
        return given
