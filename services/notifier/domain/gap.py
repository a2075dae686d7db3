"""The words of times in which nothing could be recorded."""

from datetime import timedelta

from services.notifier.domain.change import span
from services.notifier.domain.event import RecordingGap, RecordingGapOver

FEW_MINUTES = timedelta(minutes=2)
MEANING = (
    "Executions of that time may be missing, and numbers that include it may be too low. "
    "HighLevel sends again what was answered 429, for about 70 minutes; then you are told how many "
    "came. What did not reach the door is lost."
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
    time = "%H:%M" if gap.end - gap.start >= FEW_MINUTES else "%H:%M:%S"
    if gap.start.date() == gap.end.date():
        return f"from {gap.start:{time}} to {gap.end:{time}} UTC on {gap.end:%Y-%m-%d} ({took})"
    return f"from {gap.start:%Y-%m-%d {time}} to {gap.end:%Y-%m-%d {time}} UTC ({took})"
