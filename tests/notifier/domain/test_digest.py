from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.notifier.domain.digest import Digest, next_digest

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("digest", "after", "at"),
    [
        (Digest.DAILY, "2026-03-03T07:59:59", "2026-03-03T08:00"),
        (Digest.DAILY, "2026-03-03T08:00", "2026-03-04T08:00"),
        # Clocks go forward and back in between; 08:00 stays 08:00.
        (Digest.DAILY, "2026-03-07T09:00", "2026-03-08T08:00"),
        (Digest.DAILY, "2026-10-31T09:00", "2026-11-01T08:00"),
        (Digest.WEEKLY, "2026-03-03T07:00", "2026-03-09T08:00"),
        (Digest.WEEKLY, "2026-03-09T07:59", "2026-03-09T08:00"),
        (Digest.WEEKLY, "2026-03-09T08:00", "2026-03-16T08:00"),
    ],
)
def test_when_the_next_one_goes_out(digest, after, at):
    after, at = (datetime.fromisoformat(each).replace(tzinfo=NEW_YORK) for each in (after, at))

    assert next_digest(digest, NEW_YORK, after.astimezone(UTC)) == at
