"""Brings the agency into the program: what there is already is left as it is."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.agency import LOCATIONS, Location
from demo.lives import executions, unfinished
from demo.program import Program, Trouble

DAYS = 30
AS_IT_CAME = timedelta(days=1)
"""The last day is reported as runs are, so that thresholds are looked at; the rest is imported."""
KEPT = timedelta(days=6)
"""A repeated run is told for 7 days; after that a second load would count the last day twice."""
AT_ONCE = 500
ALERTS_TO = "alerts@agency.example"
UNREADABLE = {"workflow": {"name": "Old relay"}, "customData": {"status": "it is complicated"}}

Say = Callable[[str], object]


async def load(program: Program, say: Say, days: int = DAYS) -> None:
    """Loads the agency; a second time it finds everything there.

    The days count back from the moment at which the locations were made.
    """
    mail_is_caught = await program.found("/api/dev/mailbox") is not None
    new = []
    for location in LOCATIONS:
        say(f"{location.name}: {len(location.workflows)} workflows")
        now = await _made(program, location)
        await _settle(program, location, mail_is_caught=mail_is_caught)
        if not await _scans(program, location):
            new.append(location)
        added, known = await _live(program, location, now, days, is_new=location in new)
        say(f"  {added} executions added, {known} were there")
    for location in new:  # last, for their incidents are made while the others load
        await _decide(program, location)


async def _live(
    program: Program, location: Location, now: datetime, days: int, *, is_new: bool
) -> tuple[int, int]:
    """Lets the days of a location pass; gives how many runs were added, and how many were there."""
    history, recent = _runs(location, now, days)
    added, known = await _import(program, location, history)
    if is_new:
        # As it was before the latest edits, and after them: scans can be compared.
        await _upload(program, location, now, before=True)
        await _scan(program, location)
        await _upload(program, location, now)
    for batch in _portions(recent):
        more, again = await _record(program, location, batch)
        added, known = added + more, known + again
    if is_new:
        await _scan(program, location)
    return added, known


async def _made(program: Program, location: Location) -> datetime:
    """Makes a location; gives when it was first made."""
    made = await program.put(
        f"/api/locations/{location.location_id}",
        {"name": location.name, "timeZone": location.time_zone},
    )
    at = datetime.fromisoformat(made["created_at"])
    if datetime.now(UTC) - at > KEPT:
        raise Trouble(
            f"The demo is here since {at:%Y-%m-%d}. "
            "For new days remove it with `make demo-remove`, and load it again."
        )
    return at


async def _settle(program: Program, location: Location, *, mail_is_caught: bool) -> None:
    where = {"location_id": location.location_id}
    if mail_is_caught:  # else it would go out to an address that is nobody's
        await program.post("/api/alerts/settings", {"alertEmail": ALERTS_TO}, **where)
    if await program.found("/api/schedules", **where) is None:
        schedule = {
            "frequency": "daily",
            "preferredTime": "02:30",
            "timezone": location.time_zone,
            "scanScope": "all",
        }
        await program.post("/api/schedules", schedule, **where)
    if not await program.items("/api/quarantine", **where):
        await program.post("/api/workflows/old-relay/executions", UNREADABLE, **where)


async def _import(program: Program, location: Location, runs: Sequence[Any]) -> tuple[int, int]:
    """Brings in history; gives how many runs were added, and how many were there."""
    path, where = "/api/executions/import", {"location_id": location.location_id}
    told = await program.send_lines(path, runs, **where)
    return told["accepted"], told["duplicates"]


async def _record(program: Program, location: Location, runs: Sequence[Any]) -> tuple[int, int]:
    """Reports runs; gives the same."""
    where = {"location_id": location.location_id}
    results = (await program.post("/api/executions", list(runs), **where))["results"]
    became = Counter(each["status"] for each in results)
    return became["accepted"], became["duplicate"]


def _runs(location: Location, now: datetime, days: int) -> tuple[list[Any], list[Any]]:
    """Gives the runs of all workflows, those that are history and those of the last day."""
    runs, opened = [], []
    for each in location.workflows:
        if each.life:
            runs += executions(each.life, each.names, location.time_zone, now, days)
            opened += unfinished(each.life, each.names, now)
    runs.sort(key=_moment)
    history = [each for each in runs if _moment(each) < now - AS_IT_CAME]
    return history, [*opened, *runs[len(history) :]]


def _moment(run: Any) -> datetime:
    return datetime.fromisoformat(run["executedAt"])


def _portions(runs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (runs[start : start + AT_ONCE] for start in range(0, len(runs), AT_ONCE))


async def _scans(program: Program, location: Location) -> list[Any]:
    where = {"location_id": location.location_id, "status": "completed"}
    return await program.items("/api/scans", **where)


async def _upload(
    program: Program, location: Location, now: datetime, *, before: bool = False
) -> None:
    exports = [
        each.definition(now, before=before)
        for each in location.workflows
        if before or each.was_edited
    ]
    where = {"location_id": location.location_id}
    told = await program.send_lines("/api/workflows/definitions", exports, **where)
    if told["rejected"]:
        raise Trouble(f"Definitions were refused: {told['rejected_lines'][0]}")


async def _scan(program: Program, location: Location) -> None:
    where = {"location_id": location.location_id}
    started = await program.post("/api/schedules/run-now", {"scanScope": "all"}, **where)
    path = f"/api/scans/{started['scan_id']}"
    await program.watch(f"{path}/stream", **where)
    scan = await program.get(path, **where)
    if scan["status"] != "completed":
        raise Trouble(f"The scan of {location.name} {scan['status']}: {scan['reason']}")


async def _decide(program: Program, location: Location) -> None:
    """Does what people do: looks after one incident, and lives with one finding."""
    where = {"location_id": location.location_id}
    incidents = await program.items("/api/incidents", **where, status="open")
    if incidents:
        path = f"/api/incidents/{incidents[0]['incident_id']}/acknowledge"
        await program.post(path, {"note": "Called the provider, waiting for an answer."}, **where)
    findings = await program.items("/api/findings", **where, severity="info")
    if findings:
        path = f"/api/findings/{findings[0]['finding_id']}/ignore"
        await program.post(path, {"reason": "The client wants it this way."}, **where)
