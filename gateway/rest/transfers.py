"""History out and in, as streams of lines."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from gateway.payloads import records
from gateway.payloads.records import Record
from gateway.rest.backend import Backend
from gateway.rest.changes import Changes
from gateway.rest.executions import Filters
from gateway.rest.models.executions import Execution
from gateway.rest.models.transfers import (
    CSV,
    EXPORT,
    IMPORT,
    NDJSON,
    FormatWord,
    Imported,
    RejectedLine,
)
from gateway.rest.openapi import told
from gateway.rest.problems import ContentTypeNotLines
from gateway.rest.routes import Back, KeyedRoute, WriteLocation
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/executions", tags=["Executions"], route_class=KeyedRoute)

IMPORT_SECONDS = 600.0
MOST_LINES = 500
MOST_BYTES = 1024 * 1024
MOST_REJECTIONS = 1000
READERS = {NDJSON: records.read_ndjson, CSV: records.read_csv}

FILTERS = tuple(field.name for field in pb.ExportExecutionsRequest.DESCRIPTOR.fields)


@router.get("/export", response_class=StreamingResponse, responses={**EXPORT, **told(404)})
async def export_executions(
    back: Back,
    filters: Filters,
    workflow_id: Annotated[str, Query(description="Only this workflow.")] = "",
    format: Annotated[FormatWord, Query(description="How it is written.")] = "ndjson",  # noqa: A002
) -> StreamingResponse:
    """Sends all executions that match, newest first; takes the filters of the list.

    What is not told to end normally is not whole: the connection breaks off.
    """
    filters.workflow_id = workflow_id
    request = pb.ExportExecutionsRequest(
        **{name: getattr(filters, name) for name in FILTERS if _given(filters, name)}
    )
    portions = _exported(back, request)
    # Whatever is wrong with the request is known before the first byte goes out.
    first = await anext(portions, None) or ()
    name = f'attachment; filename="executions.{format}"'
    return StreamingResponse(
        _written(first, portions, csv=format == "csv"),
        media_type=CSV if format == "csv" else NDJSON,
        headers={"Content-Disposition": name},
    )


@router.post("/import", openapi_extra={"requestBody": IMPORT}, responses=told(415))
async def import_executions(
    request: Request, back: Back, location_id: WriteLocation, changes: Changes
) -> Imported:
    """Records history out of NDJSON or CSV, up to 100 MiB and 200,000 lines.

    The same file again adds nothing, also after it broke off. Lines have the
    fields of `POST /api/executions`, with `executedAt`, or are those of an
    export. Nobody is alerted.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in READERS:
        raise ContentTypeNotLines
    sending = _Sending(location_id)
    lines = sending.portions(READERS[media_type](request.stream()))
    with back.asking("ingestion"):
        response = await back.services.ingestion.ImportExecutions(lines, timeout=IMPORT_SECONDS)
    if sending.broke_off is not None:
        raise sending.broke_off
    await changes.note("executions.imported", str(response.accepted_count), location_id)
    return sending.told(response)


class _Sending:
    """The lines of one file, on their way to ingestion."""

    def __init__(self, location_id: str) -> None:
        self._location_id = location_id
        self._rejected_count = 0
        self._rejected: list[RejectedLine] = []
        self.broke_off: Exception | None = None
        """Why not all lines came; gRPC would only say that the call was cancelled."""

    async def portions(
        self, found: AsyncIterator[Record]
    ) -> AsyncIterator[pb.ImportExecutionsRequest]:
        portion, size = pb.ImportExecutionsRequest(location_id=self._location_id), 0
        try:
            async for record in found:
                if isinstance(record.content, problems.Problem):
                    self._reject(record.line, record.content)
                    continue
                portion.lines.add(number=record.line, execution=record.content)
                size += record.content.ByteSize()
                if len(portion.lines) == MOST_LINES or size >= MOST_BYTES:
                    yield portion
                    portion, size = pb.ImportExecutionsRequest(location_id=self._location_id), 0
        except Exception as error:  # noqa: BLE001  it is raised when the call has ended
            self.broke_off = error
            return
        yield portion

    def told(self, response: pb.ImportExecutionsResponse) -> Imported:
        """Gives what became of all lines, in their order."""
        there = [
            RejectedLine(
                line=each.number, reason=each.reason, field=each.field or None, detail=each.message
            )
            for each in response.rejected_lines
        ]
        in_order = sorted([*self._rejected, *there], key=lambda each: each.line)
        return Imported(
            accepted=response.accepted_count,
            duplicates=response.duplicate_count,
            rejected=response.rejected_count + self._rejected_count,
            rejected_lines=in_order[:MOST_REJECTIONS],
        )

    def _reject(self, line: int, problem: problems.Problem) -> None:
        self._rejected_count += 1
        if len(self._rejected) < MOST_REJECTIONS:
            field = problem.fields[0].field if problem.fields else None
            self._rejected.append(
                RejectedLine(line=line, reason=problem.reason, field=field, detail=problem.message)
            )


async def _exported(
    back: Backend, request: pb.ExportExecutionsRequest
) -> AsyncIterator[Sequence[pb.Execution]]:
    call = back.services.ingestion.ExportExecutions(request)
    try:
        with back.asking("ingestion"):
            async for portion in call:
                yield portion.executions
    finally:
        call.cancel()  # a stream that nobody reads any more would stay open


async def _written(
    first: Sequence[pb.Execution], others: AsyncIterator[Sequence[pb.Execution]], *, csv: bool
) -> AsyncIterator[bytes]:
    try:
        yield _lines(first, csv=csv, header=True)
        async for portion in others:
            yield _lines(portion, csv=csv)
    finally:
        await others.aclose()  # type: ignore[attr-defined]  # it is a generator


def _lines(portion: Sequence[pb.Execution], *, csv: bool, header: bool = False) -> bytes:
    rows = [Execution.of(each) for each in portion]
    if csv:
        shown: list[dict[str, Any]] = [each.model_dump(mode="json") for each in rows]
        return records.written_csv(shown, header=header)
    return b"".join(each.model_dump_json().encode() + b"\n" for each in rows)


def _given(filters: pb.ListExecutionsRequest, name: str) -> bool:
    times = ("executed_from", "executed_before")
    return filters.HasField(name) if name in times else bool(getattr(filters, name))  # type: ignore[arg-type]
