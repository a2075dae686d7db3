"""What every program's settings share."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """Read once from the environment and `.env`, then passed in; prints itself without secrets."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")
    """DEBUG, INFO, WARNING or ERROR."""

    def public(self) -> dict[str, object]:
        """Gives the settings for the log, secrets masked."""
        return self.model_dump(mode="json", exclude={"database_url"})


def _listed(given: object) -> object:
    return (
        [each.strip() for each in given.split(",") if each.strip()]
        if isinstance(given, str)
        else given
    )


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several values in one variable, separated by commas."""

SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)]
"""The same for secrets."""


class PeerSettings(Settings):
    """How a program calls the services."""

    service_token: SecretStr | None = Field(default=None, validation_alias="SERVICE_TOKEN")
    """Shared by all programs of an installation; required when a service listens beyond loopback."""

    service_tls_ca: Path | None = Field(default=None, validation_alias="SERVICE_TLS_CA")
    """CA certificate the services' certificates are checked with; calls go over TLS when it is set."""

    service_tls_client_certificate: Path | None = Field(
        default=None, validation_alias="SERVICE_TLS_CLIENT_CERTIFICATE"
    )
    """Certificate this program shows to services that ask for one."""

    service_tls_client_key: Path | None = Field(
        default=None, validation_alias="SERVICE_TLS_CLIENT_KEY"
    )
    """Private key of that certificate."""


class ServiceSettings(PeerSettings):
    """How a gRPC service listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; beyond loopback TLS (or INSECURE=1) and SERVICE_TOKEN are required."""

    port: int = Field(ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""

    insecure: bool = False
    """Allows to listen beyond loopback without TLS, inside a network that is trusted."""

    tls_certificate: Path | None = None
    """Certificate chain (PEM) to serve TLS with."""

    tls_key: Path | None = None
    """Private key (PEM) of the certificate."""

    tls_client_ca: Path | None = None
    """CA certificate (PEM); when set, callers must show a certificate signed by it."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of `/metrics` on loopback; off when not set."""

    @model_validator(mode="after")
    def _guarded_beyond_loopback(self) -> Self:
        if self.host in LOOPBACK:
            return self
        prefix = self.model_config.get("env_prefix", "")
        if self.service_token is None:
            raise ValueError(f"{prefix}HOST={self.host} is beyond loopback: set SERVICE_TOKEN")
        if not (self.insecure or (self.tls_certificate and self.tls_key)):
            raise ValueError(
                f"{prefix}HOST={self.host} is beyond loopback: set {prefix}TLS_CERTIFICATE and "
                f"{prefix}TLS_KEY, or {prefix}INSECURE=1 inside a trusted network"
            )
        return self
