"""What the gateway can be told from outside: `GATEWAY_*` in the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import PeerSettings


class GatewaySettings(PeerSettings):
    """Settings of the gateway."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on."""

    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""

    database_url: SecretStr
    """The database that the gateway alone owns (keys, locations, audit), as libpq reads it."""

    ingestion_address: str = "127.0.0.1:50051"
    """Where ingestion answers, `host:port`."""

    scheduler_address: str = "127.0.0.1:50052"
    """Where the scheduler answers, `host:port`."""

    notifier_address: str = "127.0.0.1:50053"
    """Where the notifier answers, `host:port`."""

    admin_key_file: Path = Path(".runwarden/admin.key")
    """Where the admin key made at the first start is kept, readable by its owner only."""

    largest_backlog: int = Field(default=20_000, ge=1)
    """Webhooks that may wait for their commit; above it the door answers 429."""
