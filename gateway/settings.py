"""What the gateway can be told from outside: `GATEWAY_*` in the environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import CommaList, PeerSettings


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

    highlevel_keys: CommaList = ()
    """Public keys whose signature (`X-GHL-Signature`) the webhook door accepts instead of an API key; without one it accepts none.

    Each is Ed25519: a PEM file or its text, or base64 or hex. docs/ghl-setup.md has HighLevel's.
    """

    highlevel_window: timedelta = Field(
        default=timedelta(hours=2), ge=timedelta(minutes=1), le=timedelta(days=6)
    )
    """How long ago HighLevel may have signed a webhook; it sends one again for 70 minutes.

    At most 6 days: for 7 a repetition is known as such.
    """

    highlevel_requests_a_minute: int = Field(default=6_000, ge=1)
    """Webhooks without a key that one address may send; above it the door answers 429."""
