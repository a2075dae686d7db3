"""What can be seen of the agency, and where."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from demo.agency import LOCATIONS, Location
from demo.program import Program

ADDRESSES = (
    "/",
    "/api/workflows?location_id={location}",
    "/api/workflows/{workflow}/metrics?location_id={location}&hours=168",
    "/api/errors?location_id={location}&hours=720",
    "/api/findings?location_id={location}",
    "/api/scans/compare?location_id={location}",
    "/api/incidents?location_id={location}",
    "/api/incidents?all_locations=true",
    "/api/dev/mailbox",
)


async def show(program: Program, say: Callable[[str], object]) -> None:
    """Says what there is in each location, and at which addresses to look."""
    for location in LOCATIONS:
        say(await _told(program, location))
    say("Look at")
    first = LOCATIONS[0]
    getting_worse = first.workflows[2].workflow_id
    for each in ADDRESSES:
        path = each.format(location=first.location_id, workflow=getting_worse)
        say(f"  {program.url}{path}")


async def _told(program: Program, location: Location) -> str:
    where = {"location_id": location.location_id}
    timeline = await program.get("/api/timeline", **where, hours="720")
    findings = await program.items("/api/findings", **where)
    incidents = await program.items("/api/incidents", **where)
    scan = (await program.get("/api/scans", **where, status="completed", limit="1"))["items"][0]
    severities = Counter(each["severity"] for each in findings)
    told = ", ".join(f"{severities[each]} {each}" for each in ("critical", "warning", "info"))
    return (
        f"{location.name} ({location.location_id}): score {scan['summary']['score']}\n"
        f"  {_runs(timeline)} in 30 days; findings: {told}, "
        f"of {len({each['rule_id'] for each in findings})} rules; "
        f"incidents: {_open(incidents)} open, {len(incidents) - _open(incidents)} over"
    )


def _runs(timeline: Any) -> str:
    days = timeline["items"]
    failed = sum(each["failed"] for each in days)
    return f"{failed + sum(each['succeeded'] + each['partial'] for each in days)} runs, {failed} failed"


def _open(incidents: list[Any]) -> int:
    return sum(each["status"] == "open" for each in incidents)
