"""The words of times in which nothing could be recorded."""

from datetime import datetime

from services.notifier.domain.change import span
from services.notifier.domain.event import RecordingGap, RecordingGapOver

MEANING = (
    "Executions of that time may be missing, and numbers that include it may be too low. "
    "HighLevel sends again what was answered 429, for about 70 minutes; what did not reach "
    "the door is lost."
)
NOTHING_MORE = (
    "What is still missing does not come by itself any more. Only executions that say when they "
    "ran are counted here."
)
REMEDY = (
    "Import the executions of that time that you know from elsewhere: POST /api/executions/import."
)


def during(gap: RecordingGap | RecordingGapOver) -> str:
    """Gives "from 02:10 to 02:25 UTC on 2026-03-02 (15 min)"; "for a while" if it is not known."""
    if gap.start is None or gap.end is None:
        return "for a while"
    took = span(gap.end - gap.start)
    if gap.start.date() == gap.end.date():
        return f"from {gap.start:%H:%M} to {gap.end:%H:%M} UTC on {gap.end:%Y-%m-%d} ({took})"
    return f"from {_day_and_time(gap.start)} to {_day_and_time(gap.end)} UTC ({took})"


def _day_and_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
