"""The scan schedule of a location, and scans on demand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status
from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import AwareDatetime

from gateway.rest import scans, versions, wire
from gateway.rest.changes import Changes
from gateway.rest.models.scans import Explanation, RequestedScan, Scan
from gateway.rest.models.schedules import (
    Preview,
    PreviewBody,
    RunNowBody,
    Schedule,
    ScheduleBody,
    SwitchBody,
)
from gateway.rest.models.shapes import Page
from gateway.rest.openapi import told
from gateway.rest.problems import (
    IdempotencyKeyReused,
    IdempotencyKeyTooLong,
    NothingToChange,
    PreconditionFailed,
)
from gateway.rest.routes import (
    Back,
    IfMatch,
    KeyedRoute,
    PageAsked,
    ReadLocation,
    Who,
    WriteLocation,
)
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.problems import AlreadyExists

router = APIRouter(prefix="/api/schedules", tags=["Schedules"], route_class=KeyedRoute)

LONGEST_KEY = 200


@router.get("", responses=told(404))
async def get_schedule(back: Back, location_id: ReadLocation, response: Response) -> Schedule:
    """Gives the scan schedule of a location, with the next five times it fires."""
    request = pb.GetScheduleRequest(location_id=location_id)
    with back.asking("scheduler"):
        found = await back.services.scheduler.GetSchedule(request, timeout=back.seconds)
    versions.show(response, found.schedule.etag)
    return Schedule.of(found.schedule)


@router.post("", responses=told(409, 412))
async def put_schedule(
    *,
    back: Back,
    location_id: WriteLocation,
    changes: Changes,
    who: Who,
    body: ScheduleBody,
    response: Response,
    if_match: IfMatch = None,
) -> Schedule:
    """Creates the scan schedule of a location, or changes the fields that are given."""
    if not body.model_fields_set:
        raise NothingToChange
    etag = versions.wanted(if_match)
    request = pb.UpsertScheduleRequest(
        schedule=body.message(location_id),
        update_mask=FieldMask(paths=sorted(body.model_fields_set)),
        etag=etag,
        actor=who.name,
    )
    with versions.matching(etag), back.asking("scheduler"):
        changed = await back.services.scheduler.UpsertSchedule(request, timeout=back.seconds)
    await changes.note("schedule.changed", changed.schedule.schedule_id, location_id)
    versions.show(response, changed.schedule.etag)
    return Schedule.of(changed.schedule)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=told(404, 412))
async def delete_schedule(
    *,
    back: Back,
    who: Who,
    location_id: WriteLocation,
    changes: Changes,
    if_match: IfMatch = None,
) -> None:
    """Deletes the scan schedule of a location; its scans stay, one that waits is cancelled."""
    if etag := versions.wanted(if_match):
        with back.asking("scheduler"):
            found = await back.services.scheduler.GetSchedule(
                pb.GetScheduleRequest(location_id=location_id), timeout=back.seconds
            )
        if found.schedule.etag != etag:
            raise PreconditionFailed
    with back.asking("scheduler"):
        await back.services.scheduler.DeleteSchedule(
            pb.DeleteScheduleRequest(location_id=location_id, actor=who.name),
            timeout=back.seconds,
        )
    await changes.note("schedule.deleted", location_id, location_id)


@router.post("/pause", responses=told(404))
async def pause_schedule(
    *,
    back: Back,
    who: Who,
    location_id: WriteLocation,
    changes: Changes,
    response: Response,
    body: SwitchBody | None = None,
) -> Schedule:
    """Stops the schedule from firing, and says who did and why."""
    request = pb.PauseScheduleRequest(
        location_id=location_id, actor=who.name, reason=body.reason if body else ""
    )
    with back.asking("scheduler"):
        paused = await back.services.scheduler.PauseSchedule(request, timeout=back.seconds)
    await changes.note("schedule.paused", paused.schedule.schedule_id, location_id)
    versions.show(response, paused.schedule.etag)
    return Schedule.of(paused.schedule)


@router.post("/resume", responses=told(404))
async def resume_schedule(
    *,
    back: Back,
    who: Who,
    location_id: WriteLocation,
    changes: Changes,
    response: Response,
    body: SwitchBody | None = None,
) -> Schedule:
    """Lets the schedule fire again from its next time on; what it missed is not made up for."""
    request = pb.ResumeScheduleRequest(
        location_id=location_id, actor=who.name, reason=body.reason if body else ""
    )
    with back.asking("scheduler"):
        resumed = await back.services.scheduler.ResumeSchedule(request, timeout=back.seconds)
    await changes.note("schedule.resumed", resumed.schedule.schedule_id, location_id)
    versions.show(response, resumed.schedule.etag)
    return Schedule.of(resumed.schedule)


@router.post("/preview")
async def preview_schedule(back: Back, location_id: ReadLocation, body: PreviewBody) -> Preview:
    """Gives the next times a schedule would fire; nothing is stored."""
    request = pb.PreviewScheduleRequest(
        schedule=body.message(location_id), count=wire.int32(body.count)
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.PreviewSchedule(request, timeout=back.seconds)
    return Preview.of(response)


@router.post("/run-now", status_code=status.HTTP_202_ACCEPTED, responses=told(422))
async def run_now(
    *,
    back: Back,
    location_id: WriteLocation,
    changes: Changes,
    response: Response,
    body: RunNowBody | None = None,
    idempotency_key: Annotated[
        str | None, Header(description="The same key gives the same scan, for ever.")
    ] = None,
) -> RequestedScan:
    """Starts a scan now and answers at once with its id."""
    if idempotency_key and len(idempotency_key) > LONGEST_KEY:
        raise IdempotencyKeyTooLong.at("Idempotency-Key")
    asked = body or RunNowBody()
    request = pb.RunScanRequest(
        location_id=location_id,
        request_id=idempotency_key or "",
        scan_scope=wire.number(pb.ScanScope.DESCRIPTOR, asked.scan_scope),
        selected_workflow_ids=asked.selected_workflow_ids,
        counts_as_next_fire=asked.counts_as_next_fire,
    )
    with _telling_reuse(), back.asking("scheduler"):
        started = await back.services.scheduler.RunScan(request, timeout=back.seconds)
    if started.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    else:
        await changes.note("scan.requested", started.scan_id, location_id)
    return RequestedScan.of(started, status=wire.plain(started.scan)["status"])


@router.get("/explain")
async def explain_fire(
    back: Back,
    location_id: ReadLocation,
    at: Annotated[
        AwareDatetime | None, Query(description="The time in question. Default now.")
    ] = None,
) -> Explanation:
    """Says what became of the last fire at or before a time, and why: "why did it not run"."""
    request = pb.ExplainFireRequest(location_id=location_id, at=wire.timestamp(at))
    with back.asking("scheduler"):
        response = await back.services.scheduler.ExplainFire(request, timeout=back.seconds)
    return Explanation.of(response)


@router.get("/history")
async def list_past_scans(back: Back, location_id: ReadLocation, page: PageAsked) -> Page[Scan]:
    """Lists the scans of a location, newest first; the same as GET /api/scans."""
    return await scans.list_scans(back, location_id, page)


@contextmanager
def _telling_reuse() -> Iterator[None]:
    try:
        yield
    except AlreadyExists as problem:
        raise IdempotencyKeyReused from problem
