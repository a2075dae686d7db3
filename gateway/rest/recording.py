"""Recording executions by a program that says exactly what it means."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from gateway.access import Caller, Scope
from gateway.batches import Record
from gateway.payloads import Reading, handling, read_leniently, read_strictly
from gateway.rest.backend import Backend
from gateway.rest.models.recording import BODY, Recorded, Recordings
from gateway.rest.routes import Back, KeyedRoute, Who
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api", tags=["Executions"], route_class=KeyedRoute)

Item = pb.RecordItem | problems.Problem
"""An execution to record, or why there is none."""


@router.post(
    "/executions",
    openapi_extra={"requestBody": BODY},
    responses={202: {"model": Recordings, "description": "The only one is in quarantine."}},
)
async def record_executions(
    *,
    request: Request,
    response: Response,
    back: Back,
    caller: Who,
    location_id: Annotated[str | None, Query(description="Of items that name none.")] = None,
    idempotency_key: Annotated[
        str | None, Header(description="Makes a repetition within 7 days count once.")
    ] = None,
    prefer: Annotated[
        str | None,
        Header(
            description="`handling=lenient`: read it as the webhook door does, GoHighLevel's own "
            "payload too, and keep in quarantine what cannot be read."
        ),
    ] = None,
) -> Recordings:
    """Records up to 500 executions; answers when they are stored, item by item.

    The body is one execution, an array of them, or `{"executions": […]}`. A wrong
    item among several hurts only itself.
    """
    caller.require(Scope.INGEST)
    if handling(prefer, "strict") == "strict":
        return await _strictly(back, caller, await request.body(), location_id, idempotency_key)
    readings = read_leniently(await request.body(), None, idempotency_key)
    content_type = request.headers.get("content-type", "")
    taken = await back.intake.take(readings.items, caller, location_id, quarantine_as=content_type)
    if not readings.several and taken[0].status == "quarantined":
        response.status_code = 202
    return Recordings(results=[Recorded.taken(each) for each in taken])


async def _strictly(
    back: Backend, caller: Caller, body: bytes, location_id: str | None, key: str | None
) -> Recordings:
    readings = read_strictly(body, None, key)
    items = [await _item(back, caller, each, location_id) for each in readings.items]
    if not readings.several and isinstance(items[0], problems.Problem):
        raise items[0]
    return Recordings(results=await _record(back.record, items))


async def _item(back: Backend, caller: Caller, reading: Reading, location_id: str | None) -> Item:
    execution = reading.content
    if isinstance(execution, problems.Problem):
        return execution
    try:
        execution.location_id = caller.location(reading.location_id or location_id)
    except (problems.InvalidRequest, problems.Forbidden) as problem:
        return problem
    await back.access.remember_location(execution.location_id)
    return pb.RecordItem(execution=execution)


async def _record(record: Record, items: Sequence[Item]) -> list[Recorded]:
    sent = [each for each in items if isinstance(each, pb.RecordItem)]
    results = iter(await record(sent))
    return [
        Recorded.refused(each)
        if isinstance(each, problems.Problem)
        else Recorded.told(next(results))
        for each in items
    ]
