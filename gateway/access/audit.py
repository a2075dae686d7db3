"""The audit log: who changed what, and when."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A change to be written down."""

    audit_id: str
    key_id: str
    key_name: str
    location_id: str | None
    action: str
    subject: str
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that somebody made."""

    audit_id: str
    at: datetime
    key_id: str
    key_name: str
    location_id: str | None
    """The location of what was changed; None is the agency."""
    action: str
    """A fixed word, `thing.changed`."""
    subject: str
    """The id of what was changed."""
    request_id: str
