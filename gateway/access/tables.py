"""The gateway's tables; the migrations make them, a test compares the two."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class GatewayTable(SQLModel, registry=registry()):
    """Base of the gateway's tables."""


def _id(*, nullable: bool = False) -> Column[str]:
    return Column(Text(collation="C"), nullable=nullable)


def _at(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class LocationRow(GatewayTable, table=True):
    """A location, by GoHighLevel's id."""

    __tablename__ = "locations"
    __table_args__ = (PrimaryKeyConstraint("location_id", name="locations_pkey"),)

    location_id: str = Field(sa_column=_id())
    name: str = Field(sa_column=Column(Text, nullable=False))
    time_zone: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_at())


class ApiKeyRow(GatewayTable, table=True):
    """A key, without its secret."""

    __tablename__ = "api_keys"
    __table_args__ = (
        PrimaryKeyConstraint("key_id", name="api_keys_pkey"),
        UniqueConstraint("key_hash", name="api_keys_key_hash_key"),
        CheckConstraint(
            "scope IN ('ingest', 'read', 'write', 'admin')", name="api_keys_scope_check"
        ),
        ForeignKeyConstraint(
            ["location_id"], ["locations.location_id"], name="api_keys_location_id_fkey"
        ),
        Index("api_keys_location_id_idx", "location_id"),
    )

    key_id: str = Field(sa_column=_id())
    key_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    prefix: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    scope: str = Field(sa_column=Column(Text, nullable=False))
    location_id: str | None = Field(sa_column=_id(nullable=True))
    created_at: datetime = Field(sa_column=_at())
    expires_at: datetime | None = Field(sa_column=_at(nullable=True))
    revoked_at: datetime | None = Field(sa_column=_at(nullable=True))
    last_used_at: datetime | None = Field(sa_column=_at(nullable=True))


class SessionRow(GatewayTable, table=True):
    """A browser that is signed in, by the SHA-256 of its cookie."""

    __tablename__ = "sessions"
    __table_args__ = (
        PrimaryKeyConstraint("session_hash", name="sessions_pkey"),
        ForeignKeyConstraint(["key_id"], ["api_keys.key_id"], name="sessions_key_id_fkey"),
        Index("sessions_expires_at_idx", "expires_at"),
    )

    session_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    key_id: str = Field(sa_column=_id())
    created_at: datetime = Field(sa_column=_at())
    expires_at: datetime = Field(sa_column=_at())


class AuditRow(GatewayTable, table=True):
    """A change that somebody made. Keys are named, so that the entry outlives them."""

    __tablename__ = "audit_log"
    __table_args__ = (
        PrimaryKeyConstraint("audit_id", name="audit_log_pkey"),
        Index("audit_log_location_id_audit_id_idx", "location_id", "audit_id"),
    )

    audit_id: str = Field(sa_column=_id())
    at: datetime = Field(sa_column=_at())
    key_id: str = Field(sa_column=_id())
    key_name: str = Field(sa_column=Column(Text, nullable=False))
    location_id: str | None = Field(sa_column=_id(nullable=True))
    action: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    request_id: str = Field(sa_column=Column(Text, nullable=False))
