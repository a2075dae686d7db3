"""Keys, locations and the audit log."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gateway.access.callers import Scope
from gateway.rest.models.shapes import Answer, Body, Moment, examples

ScopeWord = Literal["ingest", "read", "write", "admin"]


class KeyBody(Body):
    """A key to make."""

    model_config = examples(
        {"name": "Webhooks of the demo location", "scope": "ingest", "locationId": "loc-demo"},
        {"name": "Reports", "scope": "read", "expiresAt": "2099-12-31T00:00:00Z"},
    )

    name: str
    """Says who uses it, 1 to 100 characters."""
    scope: ScopeWord
    location_id: str | None = None
    """The location it is bound to; without one it is a key of the agency."""
    expires_at: Annotated[Moment | None, Field(strict=False)] = None


class Key(Answer):
    """A key as it is listed; the secret itself is nowhere."""

    key_id: str
    name: str
    prefix: str
    """The first characters of the secret, to tell keys apart."""
    scope: Annotated[str, Field(json_schema_extra={"enum": [each.value for each in Scope]})]
    location_id: str | None
    """null is the whole agency."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class NewKey(Key):
    """A key that was just made."""

    key: str
    """The key itself; it is shown only here."""


class LocationBody(Body):
    """What to change of a location."""

    model_config = examples({"name": "Demo", "timeZone": "America/Chicago"})

    name: str | None = None
    time_zone: str | None = None
    """IANA name."""


class Location(Answer):
    """A GoHighLevel sub-account."""

    location_id: str
    name: str | None
    time_zone: str
    created_at: AwareDatetime


class RemovedRows(Answer):
    """How many rows each part kept of a location."""

    ingestion: int
    scheduler: int
    notifier: int
    gateway: int


class DeletedLocation(Answer):
    """A location that is gone."""

    location_id: str
    removed_rows: RemovedRows


class AuditEntry(Answer):
    """One change that somebody made."""

    audit_id: str
    at: AwareDatetime
    key_id: str
    key_name: str
    location_id: str | None
    action: str
    subject: str
    request_id: str
