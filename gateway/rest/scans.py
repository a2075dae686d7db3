"""Scans: how they went and what they found."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from gateway.rest import live, wire
from gateway.rest.changes import Changes
from gateway.rest.findings import Wanted, listed
from gateway.rest.models.findings import Finding, ScanDifference
from gateway.rest.models.scans import CancelBody, Scan, StatusWord, WorkflowResult
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.openapi import told
from gateway.rest.routes import (
    Back,
    KeyedRoute,
    PageAsked,
    ReadLocation,
    Who,
    WriteLocation,
)
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

router = APIRouter(prefix="/api/scans", tags=["Scans"], route_class=KeyedRoute)


@router.get("")
async def list_scans(
    back: Back,
    location_id: ReadLocation,
    page: PageAsked,
    status: Annotated[StatusWord | None, Query(description="Only this status.")] = None,
) -> Page[Scan]:
    """Lists the scans of a location, newest first."""
    request = pb.ListScansRequest(
        location_id=location_id,
        status=wire.number(pb.ScanStatus.DESCRIPTOR, status),
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListScans(request, timeout=back.seconds)
    return page_of(Scan, response.scans, response.next_page_token)


@router.get("/compare", responses=told(404))
async def compare_scans(
    back: Back,
    location_id: ReadLocation,
    scan_id: Annotated[
        str, Query(description="The later scan. Without it: the last completed one.")
    ] = "",
    baseline_scan_id: Annotated[
        str,
        Query(
            description="The earlier scan. Without it: the last completed one of the same scope."
        ),
    ] = "",
) -> ScanDifference:
    """Says what changed between two completed scans."""
    request = pb.CompareScansRequest(
        location_id=location_id, scan_id=scan_id, baseline_scan_id=baseline_scan_id
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.CompareScans(request, timeout=back.seconds)
    return ScanDifference.of(response)


@router.get("/{scan_id}", responses=told(404))
async def get_scan(back: Back, location_id: ReadLocation, scan_id: str) -> Scan:
    """Gets one scan."""
    request = pb.GetScanRequest(location_id=location_id, scan_id=scan_id)
    with back.asking("scheduler"):
        response = await back.services.scheduler.GetScan(request, timeout=back.seconds)
    return Scan.of(response.scan)


@router.get(
    "/{scan_id}/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event `scan` for each change, its data as of GET /api/scans/{id}.",
            "content": {live.MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **told(404),
    },
)
async def stream_scan(back: Back, location_id: ReadLocation, scan_id: str) -> StreamingResponse:
    """Sends a scan whenever it changes, as server-sent events, until it has ended."""
    request = pb.WatchScanRequest(location_id=location_id, scan_id=scan_id)
    return await live.streamed(
        back, "scheduler", back.services.scheduler.WatchScan(request), _event
    )


@router.post("/{scan_id}/cancel", responses=told(400, 404))
async def cancel_scan(
    *,
    back: Back,
    who: Who,
    location_id: WriteLocation,
    changes: Changes,
    scan_id: str,
    body: CancelBody | None = None,
) -> Scan:
    """Stops a scan that waits or runs; what it found so far is thrown away."""
    request = pb.CancelScanRequest(
        location_id=location_id,
        scan_id=scan_id,
        actor=who.name,
        reason=body.reason if body else "",
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.CancelScan(request, timeout=back.seconds)
    await changes.note("scan.cancelled", scan_id, location_id)
    return Scan.of(response.scan)


@router.get("/{scan_id}/findings", responses=told(404))
async def list_findings_of_scan(
    *, back: Back, location_id: ReadLocation, scan_id: str, page: PageAsked, wanted: Wanted
) -> Page[Finding]:
    """Lists what a scan found, worst first. The scan `latest` is the last completed one."""
    return await listed(back, location_id, _scan(scan_id), page, wanted)


@router.get("/{scan_id}/results", responses=told(404))
async def list_results(
    back: Back, location_id: ReadLocation, scan_id: str, page: PageAsked
) -> Page[WorkflowResult]:
    """Lists what a scan says of each workflow, lowest score first. Knows `latest` too."""
    request = pb.ListScanResultsRequest(
        location_id=location_id,
        scan_id=_scan(scan_id),
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListScanResults(request, timeout=back.seconds)
    return page_of(WorkflowResult, response.results, response.next_page_token)


def _event(found: pb.WatchScanResponse) -> bytes:
    return f"event: scan\ndata: {Scan.of(found.scan).model_dump_json()}\n\n".encode()


def _scan(scan_id: str) -> str:
    return "" if scan_id == "latest" else scan_id
