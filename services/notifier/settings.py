"""What the notifier can be told from outside: `NOTIFIER_*` and `SMTP_*` in the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.settings import CommaList, SecretList, ServiceSettings


class NotifierSettings(ServiceSettings):
    """Settings of the notifier service."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    port: int = Field(default=50053, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""

    database_url: SecretStr
    """The database that the notifier alone owns, as libpq reads it."""

    encryption_keys: SecretList = Field(validation_alias="ENCRYPTION_KEYS", min_length=1)
    """Keys for what is encrypted at rest, comma-separated; the first encrypts, all decrypt."""

    smtp_host: str | None = Field(default=None, validation_alias="SMTP_HOST")
    """Mail server; without one, mails are caught and shown at `/api/dev/mailbox`."""

    smtp_port: int = Field(default=587, ge=1, le=65535, validation_alias="SMTP_PORT")
    """587 starts TLS on a plain connection, 465 is TLS from the first byte."""

    smtp_tls: Literal["starttls", "tls", "none"] | None = Field(
        default=None, validation_alias="SMTP_TLS"
    )
    """How the connection is encrypted; by default tls on port 465 and starttls on any other."""

    smtp_tls_ca: Path | None = Field(default=None, validation_alias="SMTP_TLS_CA")
    """CA certificate (PEM) of a mail server that no public authority vouches for."""

    smtp_user: str | None = Field(default=None, validation_alias="SMTP_USER")
    """User to sign in with; no sign-in without one."""

    smtp_pass: SecretStr | None = Field(default=None, validation_alias="SMTP_PASS")
    """Password of that user."""

    smtp_from: str = Field(default="Runwarden <alerts@localhost>", validation_alias="SMTP_FROM")
    """Sender of the mails."""

    frontend_url: str = Field(default="http://127.0.0.1:8080", validation_alias="FRONTEND_URL")
    """Where links in alerts lead: the gateway as people reach it."""

    retention_days: int = Field(default=90, ge=1, le=3650)
    """How many days events, deliveries and attempts are kept; those of open incidents stay."""

    remind_critical_after: timedelta = Field(default=timedelta(hours=4), ge=timedelta(minutes=1))
    """How long nobody may look after a critical incident before its targets are told again.

    In whole minutes; the alert settings may say otherwise."""

    remind_after: timedelta = Field(default=timedelta(hours=24), ge=timedelta(minutes=1))
    """The same for incidents that are not critical."""

    group_wait: timedelta = Field(default=timedelta(seconds=30), ge=timedelta(0))
    """How long what is not critical waits for company, to go out in one message."""

    hold_down: timedelta = Field(default=timedelta(minutes=10), ge=timedelta(0))
    """How long the end of an incident must last before it is told."""

    deadman_url: SecretStr | None = None
    """Posted to once a minute while what is due is sent; whoever watches there raises the alarm."""

    twilio_url: str = "https://api.twilio.com"
    """Where SMS are handed in; of a region, `https://api.dublin.ie1.twilio.com`."""

    egress_allow: CommaList = ()
    """Addresses that webhooks may go to besides public https: `host:port`, `host` or networks, comma-separated."""
