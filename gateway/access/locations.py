"""Locations (GoHighLevel sub-accounts) as the gateway keeps them."""

from dataclasses import dataclass
from datetime import datetime

from libs import problems


class LocationNotFound(problems.NotFound):
    """No location with this id is known here yet."""

    reason = "LOCATION_NOT_FOUND"


class LocationNameWrong(problems.InvalidRequest):
    """A location's name has at most 200 characters."""

    reason = "LOCATION_NAME_WRONG"


class TimeZoneUnknown(problems.InvalidRequest):
    """The time zone must be an IANA name such as `America/New_York`."""

    reason = "TIME_ZONE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Location:
    """A location."""

    location_id: str
    name: str
    """Empty until somebody gave one."""
    time_zone: str
    """IANA name; UTC until somebody gave one."""
    created_at: datetime
