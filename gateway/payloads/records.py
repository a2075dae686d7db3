"""Files of history: NDJSON and CSV, record by record, as they arrive and as they are sent."""

import codecs
import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from gateway.payloads import decoding, problems, strict
from gateway.payloads.csv_rows import Row, rows
from gateway.payloads.lenient import LONGEST_TIME_MS
from gateway.payloads.lines import lines
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest

T = TypeVar("T")

LONGEST_RECORD = 64 * 1024
COLUMNS = (
    "id",
    "location_id",
    "workflow_id",
    "workflow_name",
    "status",
    "failed_action_id",
    "failed_action_name",
    "error_message",
    "error_class",
    "error_fingerprint",
    "execution_time_ms",
    "executed_at",
    "received_at",
    "run_id",
    "source",
)
OURS = frozenset(
    {
        "error_class",
        "error_fingerprint",
        "error_message_truncated",
        "executed_at_adjusted",
        "received_at",
        "source",
    }
)
"""What an export tells and an import finds out by itself."""
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r")
"""A cell that begins so is run by spreadsheets; an apostrophe before it makes it a text."""


class HeaderMalformed(InvalidRequest):
    """The first line of the CSV must name the columns, each once: at least `workflow_id`, `status`, `executed_at`."""

    reason = "HEADER_MALFORMED"


class LineNotObject(InvalidRequest):
    """Write one JSON object in each line, in UTF-8 and without line breaks in it."""

    reason = "LINE_NOT_OBJECT"


class Record(NamedTuple):
    """One record of a file, and where it begins."""

    line: int
    content: pb.Execution | InvalidRequest


async def read_ndjson(chunks: AsyncIterable[bytes]) -> AsyncIterator[Record]:
    """Reads executions, one JSON object a line; empty lines are nothing."""
    async for line, text in lines(chunks, LONGEST_RECORD):
        if isinstance(text, InvalidRequest) or text.strip():
            yield Record(line, _content(text, _object_in))


async def read_csv(chunks: AsyncIterable[bytes]) -> AsyncIterator[Record]:
    """Reads executions out of CSV (RFC 4180) whose first line names the columns."""
    header: Sequence[str] | None = None
    async for line, row in rows(chunks, LONGEST_RECORD):
        if header is None:
            header = _header(row)
        else:
            yield Record(line, _content(row, partial(_named, header)))


def written_csv(rows: Sequence[Mapping[str, Any]], *, header: bool = False) -> bytes:
    """Writes executions as CSV; with the names of the columns when it is the beginning."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header:
        writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _content(
    found: T | InvalidRequest, read: Callable[[T], dict[str, Any]]
) -> pb.Execution | InvalidRequest:
    if isinstance(found, InvalidRequest):
        return found
    try:
        return _execution(read(found))
    except InvalidRequest as problem:
        return problem


def _execution(sent: dict[str, Any]) -> pb.Execution:
    exported_id = sent.pop("id", None)
    said = {name: value for name, value in sent.items() if name not in OURS}
    read = strict.execution(said, None, None)
    read.execution_id = exported_id if isinstance(exported_id, str) else ""
    read.idempotency_key = ""
    return read


def _object_in(text: bytes) -> dict[str, Any]:
    try:
        found = decoding.strictly(text.removeprefix(codecs.BOM_UTF8))
    except problems.BodyNotJson as error:
        raise LineNotObject from error
    decoding.check_bounds(found)
    if not isinstance(found, dict):
        raise LineNotObject
    return found


def _header(row: Row) -> Sequence[str]:
    names = [] if isinstance(row, InvalidRequest) else [each.strip() for each in row]
    plain = [name.replace("_", "").lower() for name in names]
    if not {"workflowid", "status", "executedat"} <= set(plain) or len(set(plain)) < len(plain):
        raise HeaderMalformed
    return names


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: cell.removeprefix("'") for name, cell in zip(header, cells, strict=True) if cell
    }
    for name in ("execution_time_ms", "executionTimeMs"):
        if row.get(name, "").isdecimal() and len(row[name]) <= len(str(LONGEST_TIME_MS)):
            row[name] = int(row[name])
    return row
