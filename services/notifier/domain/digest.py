"""What is not urgent, once a day or once a week."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.notifier.domain.quiet_hours import instant

AT = time(8)
MONDAY = 0


class Digest(StrEnum):
    """How often a target hears of what is not urgent."""

    OFF = "off"
    """Whenever there is something."""

    DAILY = "daily"
    WEEKLY = "weekly"
    """On Mondays."""


def next_digest(digest: Digest, zone: ZoneInfo, after: datetime) -> datetime:
    """Gives when the next digest after a time goes out: at 08:00 on the local wall clock."""
    day = after.astimezone(zone).date()
    while True:
        at = instant(day, AT, zone)
        if at > after and (digest is Digest.DAILY or day.weekday() == MONDAY):
            return at
        day += timedelta(days=1)
