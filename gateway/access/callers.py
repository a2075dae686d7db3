"""Who calls, and what that caller may do and see."""

import re
from dataclasses import dataclass
from enum import StrEnum

from libs import problems


class Scope(StrEnum):
    """What a key was made for."""

    INGEST = "ingest"
    """Only the webhook door."""
    READ = "read"
    WRITE = "write"
    """Read as well."""
    ADMIN = "admin"
    """Everything."""


_GRANTED = {
    Scope.INGEST: frozenset({Scope.INGEST}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE}),
    Scope.ADMIN: frozenset(Scope),
}
_LOCATION_ID = re.compile(r"[!-~]{1,64}")


class ScopeTooNarrow(problems.Forbidden):
    """The key's scope does not allow this; use a key with a wider scope."""

    reason = "KEY_SCOPE_TOO_NARROW"


class LocationNotYours(problems.Forbidden):
    """The key belongs to another location; use a key of this location or of the agency."""

    reason = "LOCATION_NOT_YOURS"


class AgencyKeyNeeded(problems.Forbidden):
    """It is about all locations; use a key of the agency."""

    reason = "AGENCY_KEY_NEEDED"


class LocationMissing(problems.InvalidRequest):
    """A key of the agency must name the location: add `?location_id=…`."""

    reason = "LOCATION_MISSING"


class LocationIdWrong(problems.InvalidRequest):
    """A location id has 1 to 64 characters, without spaces and accents."""

    reason = "LOCATION_ID_WRONG"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever proved to hold a key."""

    key_id: str
    name: str
    """The key's name."""
    scope: Scope
    location_id: str | None
    """The location the key is bound to; None is the whole agency."""

    def may(self, scope: Scope) -> bool:
        """Says whether the key allows what needs this scope."""
        return scope in _GRANTED[self.scope]

    def require(self, scope: Scope) -> None:
        """Raises `ScopeTooNarrow` unless the key allows what needs this scope."""
        if not self.may(scope):
            raise ScopeTooNarrow(
                f"This needs a key with scope {scope}; this key has {self.scope}.",
                needed=scope,
                given=self.scope,
            )

    def require_agency(self, scope: Scope) -> None:
        """Raises `ScopeTooNarrow` or `AgencyKeyNeeded` unless the key reaches the whole agency."""
        self.require(scope)
        if self.location_id is not None:
            raise AgencyKeyNeeded

    def location(self, asked: str | None) -> str:
        """Gives the location the call is about: the key's own, or the one asked for.

        Raises `LocationNotYours`, `LocationMissing` or `LocationIdWrong`.
        """
        if self.location_id is None:
            return checked_location_id(asked)
        if asked and asked != self.location_id:
            raise LocationNotYours(location_id=asked)
        return self.location_id

    def location_or_agency(self, asked: str | None) -> str | None:
        """Gives the location as `location` does; a key of the agency that names none has them all."""
        return self.location(asked) if asked or self.location_id is not None else None


def checked_location_id(location_id: str | None) -> str:
    """Gives the location id when it can be one; raises `LocationMissing` or `LocationIdWrong`."""
    if not location_id:
        raise LocationMissing.at("location_id")
    if not _LOCATION_ID.fullmatch(location_id):
        raise LocationIdWrong.at("location_id")
    return location_id
