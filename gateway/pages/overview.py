"""What the first page shows: whether everything runs, how to send an event, what came in."""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request

from gateway.access import Caller, Scope
from gateway.access.locations import Location
from gateway.rest import alerts, executions, incidents, scans
from gateway.rest.backend import Backend
from gateway.rest.health import PartHealth, overall
from gateway.rest.routes import AskedPage
from gateway.settings import GatewaySettings
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as ingestion

ROWS = 8
MOST_LOCATIONS = 100
FIRST_LOCATION = "loc-demo"
"""What the example names while no location is known."""

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its rows, or why there are none to show."""

    rows: Sequence[Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the first page."""

    verdict: str
    parts: Sequence[PartHealth]
    locations: Sequence[Location]
    location_id: str
    command: str
    executions: Section
    incidents: Section
    scans: Section
    mails: Section


async def overview(request: Request, back: Backend, caller: Caller, asked: str | None) -> Overview:
    """Gathers the first page; a part that does not answer leaves its section empty, no more."""
    locations = await _locations(back, caller)
    first = locations[0].location_id if locations else FIRST_LOCATION
    location_id = caller.location(asked or caller.location_id or first)
    page = AskedPage(ROWS, "")
    newest = ingestion.ListExecutionsRequest(location_id=location_id, page_size=ROWS)
    parts, *sections = await asyncio.gather(
        back.health.parts(),
        _section(executions.list_executions(back, newest)),
        _section(incidents.list_incidents(back, location_id, page)),
        _section(scans.list_scans(back, location_id, page)),
        _section(alerts.list_caught_mail(back, caller, location_id)),
    )
    return Overview(
        overall(parts),
        parts,
        locations,
        location_id,
        command(request, caller, back.settings, location_id),
        *sections,
    )


def command(request: Request, caller: Caller, settings: GatewaySettings, location_id: str) -> str:
    """Gives a shell command that sends an event; it names no key, only where one is."""
    key = "rw_…"
    if caller.may(Scope.ADMIN):
        key = f"$(cat {shlex.quote(str(settings.admin_key_file.absolute()))})"
    url = f"{_address(request, settings)}/api/workflows/wf-welcome/executions"
    url = f"{url}?location_id={quote(location_id)}" if caller.location_id is None else url
    return f"""\
KEY={key}
curl -X POST {shlex.quote(url)} \\
  -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{{"status": "failed", "workflowName": "Welcome", "failedActionName": "Send SMS",
       "errorMessage": "The phone number is not valid", "executionTimeMs": 1200}}'"""


def _address(request: Request, settings: GatewaySettings) -> str:
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = f"{settings.host}:{settings.port}"
    return f"{request.url.scheme}://{host}"


async def _locations(back: Backend, caller: Caller) -> Sequence[Location]:
    return (await back.access.list_locations(caller.location_id, page_size=MOST_LOCATIONS)).items


async def _section(asking: Awaitable[Any]) -> Section:
    try:
        return Section((await asking).items[:ROWS])
    except problems.NotFound:
        return Section([])
    except problems.Problem as problem:
        return Section([], problem.message)
