"""Answers why a schedule did not run, or how it did, at a time in the past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs import problems
from libs.db.database import Database
from services.scheduler.domain.change import ScheduleChange
from services.scheduler.domain.fire import Outcome
from services.scheduler.domain.scan import ScanStatus
from services.scheduler.domain.schedule import Schedule
from services.scheduler.domain.timing import latest_fire
from services.scheduler.store import Transaction, changes, scans, schedules
from services.scheduler.store.now import now
from services.scheduler.store.scans import Scan

MOST_CHANGES = 100
"""So many changes of a schedule are looked through, newest first."""


class TimeAhead(problems.InvalidRequest):
    """Ask about a time that has passed; PreviewSchedule tells what will fire."""

    reason = "TIME_AHEAD"


SAID: Mapping[ScanStatus, str] = {
    ScanStatus.COMPLETED: "It ran and completed",
    ScanStatus.RUNNING: "It runs",
    ScanStatus.QUEUED: "It waits",
    ScanStatus.FAILED: "It ran and failed",
    ScanStatus.CANCELLED: "It was cancelled",
    ScanStatus.MISSED: "It was missed",
    ScanStatus.SKIPPED: "It was skipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of the last fire before a time, and why."""

    outcome: Outcome
    text: str
    scheduled_for: datetime | None = None
    scan: Scan | None = None
    change: ScheduleChange | None = None


class Explaining:
    """Reads the ledger and the history of a schedule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def explain(self, location_id: str, at: datetime | None) -> Explanation:
        """Explains the last fire at or before a time, or before now."""
        async with self._database.transaction() as session:
            current = await now(session)
            at = at or current
            if at > current:
                raise TimeAhead.at("at")
            history = await changes.newest(session, location_id, at, limit=MOST_CHANGES)
            change, fires_at = _last_fire(history, at)
            if change is None:
                return _without_fire(history)
            fire = await scans.fire(session, change.schedule_id, at)
            if fire and _stands_for(fire, fires_at):
                return _of_ledger(fire, fires_at, change)
            schedule = await _schedule(session, location_id)
        return _unfired(change, fires_at, schedule)


async def _schedule(session: Transaction, location_id: str) -> Schedule | None:
    try:
        return await schedules.get(session, location_id)
    except ValueError:  # what it says is no schedule; its error says why
        return None


def _last_fire(
    history: Sequence[ScheduleChange], at: datetime
) -> tuple[ScheduleChange | None, datetime]:
    """Gives the last time that fired, or would have, and the change that held then."""
    until = at
    for change in history:
        if change.schedule is not None:
            try:
                fires_at = latest_fire(change.schedule.timing, until)
            except problems.InvalidRequest:
                return change, until
            if fires_at and fires_at > change.changed_at:
                return change, fires_at
        until = change.changed_at
    return None, at


def _without_fire(history: Sequence[ScheduleChange]) -> Explanation:
    if not history or history[0].schedule is None:
        done = f": it was {history[0]}" if history else ""
        text = f"The location had no schedule then{done}."
        change = history[0] if history else None
        return Explanation(outcome=Outcome.NO_SCHEDULE, text=text, change=change)
    text = f"It was not due: the schedule was {history[0]}, and its first time came later."
    return Explanation(outcome=Outcome.NOT_YET, text=text, change=history[0])


def _stands_for(fire: Scan, fires_at: datetime) -> bool:
    """Says whether a row of the ledger is about a fire, or about one that came after it."""
    covers = fire.fires > 1 and fire.created_at >= fires_at
    return fire.scheduled_for >= fires_at or covers


def _of_ledger(fire: Scan, fires_at: datetime, change: ScheduleChange) -> Explanation:
    said = [SAID[fire.status]]
    if fire.lateness and fire.status is not ScanStatus.MISSED:
        said.append(f", {fire.lateness} late")
    text = "".join(said) + (f": {fire.reason}" if fire.reason else ".")
    return Explanation(
        outcome=Outcome(fire.status),
        text=text,
        scheduled_for=max(fires_at, fire.scheduled_for),
        scan=fire,
        change=change,
    )


def _unfired(change: ScheduleChange, fires_at: datetime, schedule: Schedule | None) -> Explanation:
    outcome, text = _why_unfired(change, fires_at, schedule)
    return Explanation(outcome=outcome, text=text, scheduled_for=fires_at, change=change)


def _why_unfired(
    change: ScheduleChange, fires_at: datetime, schedule: Schedule | None
) -> tuple[Outcome, str]:
    if change.schedule is not None and not change.schedule.enabled:
        return Outcome.PAUSED, f"The schedule did not fire: it was {change}."
    if schedule is None or schedule.schedule_id != change.schedule_id:
        return Outcome.FORGOTTEN, "The schedule is gone, and what it did then was forgotten."
    if schedule.error:
        return Outcome.BROKEN, f"Its times cannot be computed: {schedule.error}"
    if schedule.next_scan_at and schedule.next_scan_at <= fires_at:
        return Outcome.DUE, "It is due, and no process has fired it yet."
    return Outcome.FORGOTTEN, "What became of it was forgotten, or the schedule changed just then."
