"""Short ways to ask a scheduler, and to look behind it."""

from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from psycopg.rows import namedtuple_row

from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc import status
from tests.support.waiting import eventually

SECONDS = 5
LOCATION = "loc-1"
MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""A Tuesday without clock changes."""


async def upserted(stub, mask=None, etag="", actor="", **fields) -> pb.UpsertScheduleResponse:
    fields.setdefault("location_id", LOCATION)
    request = pb.UpsertScheduleRequest(
        schedule=pb.Schedule(**fields),
        update_mask=FieldMask(paths=mask) if mask is not None else None,
        etag=etag,
        actor=actor,
    )
    return await stub.UpsertSchedule(request, timeout=SECONDS)


async def schedule(stub, location=LOCATION) -> pb.Schedule:
    request = pb.GetScheduleRequest(location_id=location)
    return (await stub.GetSchedule(request, timeout=SECONDS)).schedule


async def run_now(stub, location=LOCATION, **fields) -> pb.RunScanResponse:
    request = pb.RunScanRequest(location_id=location, **fields)
    return await stub.RunScan(request, timeout=SECONDS)


async def scan(stub, scan_id, location=LOCATION) -> pb.Scan:
    request = pb.GetScanRequest(location_id=location, scan_id=scan_id)
    return (await stub.GetScan(request, timeout=SECONDS)).scan


async def scans(stub, location=LOCATION, **fields) -> list[pb.Scan]:
    request = pb.ListScansRequest(location_id=location, **fields)
    return list((await stub.ListScans(request, timeout=SECONDS)).scans)


async def ended(stub, scan_id, location=LOCATION, *, as_=pb.SCAN_STATUS_COMPLETED) -> pb.Scan:
    """Waits until a scan has ended that way."""

    async def found():
        now = await scan(stub, scan_id, location)
        return now if now.status == as_ else None

    return await eventually(found)


async def scanned(stub, location=LOCATION, **fields) -> pb.Scan:
    """Runs a scan to its end."""
    started = await run_now(stub, location, **fields)
    return await ended(stub, started.scan_id, location)


async def refusal(call):
    """Gives the problem a call is answered with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return status.from_error(caught.value)


def at(moment) -> datetime:
    """Reads a timestamp."""
    return moment.ToDatetime(UTC)


async def sql(url, statement, *values):
    """Runs a statement in a scheduler's database; gives its rows.

    The loop goes on meanwhile: the statement may have to wait for the scheduler.
    """
    connecting = psycopg.AsyncConnection.connect(url, row_factory=namedtuple_row)
    async with await connecting as connection:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


def history(*statuses, error_class="") -> ingestion_pb2.RunHistory:
    """Gives the runs of a workflow, newest first, one each hour: `history(*"FFSP")`."""
    numbers = {
        "S": ingestion_pb2.EXECUTION_STATUS_SUCCESS,
        "F": ingestion_pb2.EXECUTION_STATUS_FAILED,
        "P": ingestion_pb2.EXECUTION_STATUS_PARTIAL,
    }
    counts = ingestion_pb2.RunCounts(
        total=len(statuses),
        succeeded=statuses.count("S"),
        failed=statuses.count("F"),
        partial=statuses.count("P"),
    )
    found = ingestion_pb2.RunHistory(last_7_days=counts, busy_period_runs=len(statuses))
    newest = datetime.now(UTC)
    for position, letter in enumerate(statuses[:20]):
        run = found.recent_runs.add(status=numbers[letter], execution_id=f"ex-{position}")
        run.executed_at.FromDatetime(newest - position * timedelta(hours=1))
    if error_class:
        found.error_classes.add(
            error_class=error_class,
            count=counts.failed,
            sample_message="401",
            execution_ids=["ex-0"],
        )
    return found
