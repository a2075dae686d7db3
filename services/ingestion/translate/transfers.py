"""Reads and writes history on its way in and out."""

from collections.abc import Sequence

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from services.ingestion.domain.execution import Execution
from services.ingestion.domain.recording import Rejection
from services.ingestion.domain.tail import Arrived
from services.ingestion.domain.text import is_id
from services.ingestion.domain.transfer import Imported, Line, LocationDiffers, Portion
from services.ingestion.translate import refusals, requests, responses


def portion_from(request: pb.ImportExecutionsRequest) -> Portion:
    """Reads some lines; one that is malformed becomes its rejection."""
    location_id = requests.location_from(request)
    if len(request.lines) > requests.MOST_ITEMS:
        raise refusals.TooManyItems.at("lines")
    return Portion(location_id, [_line_from(each, location_id) for each in request.lines])


def imported(found: Imported) -> pb.ImportExecutionsResponse:
    """Writes what became of a file."""
    return pb.ImportExecutionsResponse(
        accepted_count=found.accepted,
        duplicate_count=found.duplicates,
        rejected_count=found.rejected,
        rejected_lines=[
            pb.RejectedLine(
                number=number,
                reason=rejection.reason,
                field=rejection.field,
                message=rejection.message,
            )
            for number, rejection in found.rejections
        ],
    )


def exported(portion: Sequence[Execution]) -> pb.ExportExecutionsResponse:
    """Writes a portion of an export."""
    return pb.ExportExecutionsResponse(executions=[responses.written(each) for each in portion])


def arrived(found: Arrived) -> pb.WatchExecutionsResponse:
    """Writes an execution that just arrived."""
    return pb.WatchExecutionsResponse(
        execution=responses.written(found.execution), cursor=found.cursor
    )


def _line_from(line: pb.ImportLine, location_id: str) -> Line:
    execution = line.execution
    try:
        if execution.location_id not in ("", location_id):
            raise LocationDiffers.at("location_id")
        execution.location_id = location_id
        report = requests.report_from(execution)
    except problems.InvalidRequest as problem:
        return Line(line.number, Rejection.of(problem))
    exported_id = execution.execution_id
    return Line(line.number, report, exported_id if exported_id and is_id(exported_id) else "")
