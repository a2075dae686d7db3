"""Files of history: NDJSON and CSV, record by record, as they arrive and as they are sent."""

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from gateway.payloads import decoding, problems, strict
from gateway.payloads.lenient import LONGEST_TIME_MS
from gateway.payloads.lines import LineTooLong, lines
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest

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
    """The first line of the CSV must name the columns; `workflow_id`, `status` and `executed_at` at least."""

    reason = "HEADER_MALFORMED"


class ColumnsDiffer(InvalidRequest):
    """The line has another number of columns than the header."""

    reason = "COLUMNS_DIFFER"


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
    names: Sequence[str] | None = None
    async for line, text in _rows(chunks):
        if names is None:
            names = _header(text)
        elif isinstance(text, InvalidRequest) or text.strip():
            header = names
            yield Record(line, _content(text, partial(_row_in, header=header)))


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
    text: bytes | InvalidRequest, read: Callable[[bytes], dict[str, Any]]
) -> pb.Execution | InvalidRequest:
    if isinstance(text, InvalidRequest):
        return text
    try:
        return _execution(read(text))
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
    found = decoding.strictly(text)
    decoding.check_bounds(found)
    if not isinstance(found, dict):
        raise problems.BodyNotObject
    return found


def _header(text: bytes | InvalidRequest) -> Sequence[str]:
    names = [] if isinstance(text, InvalidRequest) else _split(text)
    plain = [each.strip() for each in names]
    known = {name.replace("_", "").lower() for name in plain}
    if not {"workflowid", "status", "executedat"} <= known:
        raise HeaderMalformed
    return plain


def _row_in(text: bytes, header: Sequence[str]) -> dict[str, Any]:
    cells = _split(text)
    if len(cells) != len(header):
        raise ColumnsDiffer(f"The line has {len(cells)} columns and the header {len(header)}.")
    row: dict[str, Any] = {
        name: cell.removeprefix("'") for name, cell in zip(header, cells, strict=True) if cell
    }
    for name in ("execution_time_ms", "executionTimeMs"):
        if row.get(name, "").isdecimal() and len(row[name]) <= len(str(LONGEST_TIME_MS)):
            row[name] = int(row[name])
    return row


def _split(text: bytes) -> list[str]:
    try:
        decoded = text.decode("utf-8-sig")
        return next(csv.reader([decoded], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ColumnsDiffer(f"The line is no CSV in UTF-8: {error}.") from error


async def _rows(
    chunks: AsyncIterable[bytes],
) -> AsyncIterator[tuple[int, bytes | InvalidRequest]]:
    """Gives records; a quoted cell may go on over several lines."""
    start, parts = 0, b""
    async for line, text in lines(chunks, LONGEST_RECORD):
        if isinstance(text, InvalidRequest):
            yield line, text
            parts = b""
            continue
        start = start if parts else line
        parts += text
        if parts.count(b'"') % 2 == 0:
            yield start, parts
            parts = b""
        elif len(parts) > LONGEST_RECORD:
            yield start, LineTooLong.than(LONGEST_RECORD)
            parts = b""
    if parts:
        yield start, parts
