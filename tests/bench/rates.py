"""How many executions a second: through the door, through the contract, and what limits them."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import grpc
import psycopg

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.times import timestamp
from tests.bench import usage
from tests.bench.load import Run, Webhooks, under_load
from tests.bench.programs import Street
from tests.bench.usage import Usage

HISTORY = timedelta(days=8)
"""So old are imported runs: whose keys could still be repeated are claimed besides."""
COLUMNS = (
    "execution_id, executed_at, received_at, execution_time_ms, error_message_truncated,"
    " executed_at_adjusted, location_id, workflow_id, status, source, workflow_name,"
    " failed_action_id, failed_action_name, error_message, error_class, error_fingerprint, run_id"
)
# Rows like those of the load, made by PostgreSQL itself: 10 % failures, 200 workflows.
ROWS = """
SELECT gen_random_uuid(), clock_timestamp() - n * interval '1 second', clock_timestamp(),
    n % 3000, false, false, 'copied', 'wf-' || n % 200,
    CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'success' END, 'import', 'Lead flow', '', '', '', '',
    '', 'r-' || n
FROM generate_series(1, {count}) AS n
"""


@dataclass(frozen=True, slots=True)
class DoorRate:
    """The door against the naive one at one number of connections; medians over the rounds."""

    connections: int
    rate: float
    naive_rate: float
    p50: float
    p99: float
    naive_p50: float
    naive_p99: float
    ratio: float
    """Of the rates in the same round."""
    p99_ratio: float
    """Of the naive p99 to ours in the same round."""
    cost: Usage
    """Microseconds of processor time for each webhook, by program."""
    naive_cost: Usage


@dataclass(frozen=True, slots=True)
class _Costly:
    run: Run
    cost: Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows a second, without the door."""

    contract: float
    imported: float
    copy: float
    insert: float
    contract_ratio: float
    """Of RecordExecutions to COPY in the same round."""
    import_ratio: float


async def door_rates(
    street: Street,
    *,
    connections: tuple[int, ...],
    seconds: float,
    rounds: int,
    series: str = "c",
) -> list[DoorRate]:
    """Loads both doors in turn, so that a noisy moment hits both."""
    found = []
    for each in connections:
        ours: list[Run] = []
        naive: list[Run] = []
        for number in range(rounds):
            name = f"{series}{each}-{number}"
            ours.append(await _loaded(street, street.door, each, seconds, name))
            naive.append(await _loaded(street, street.naive_door, each, seconds, name))
        found.append(_medians(each, ours, naive))
    return found


async def sent(street: Street, *, count: int, series: str) -> Run:
    """Sends so many webhooks over 64 connections."""
    webhooks = Webhooks(street.door, street.key, series=series)
    run = await under_load(webhooks, connections=64, seconds=600, at_most=count)
    if set(run.statuses) != {200}:
        raise RuntimeError(f"{street.door} answered {run.statuses}")
    return run


async def _loaded(
    street: Street, url: str, connections: int, seconds: float, series: str
) -> "_Costly":
    programs = street.processes if url == street.door else street.naive_processes
    before = usage.processor_seconds(programs)
    run = await under_load(
        Webhooks(url, street.key, series=series), connections=connections, seconds=seconds
    )
    after = usage.processor_seconds(programs)
    if set(run.statuses) != {200}:
        raise RuntimeError(f"{url} answered {run.statuses}")
    return _Costly(run, usage.for_each(before, after, len(run.latencies)))


def _medians(connections: int, ours: Sequence["_Costly"], naive: Sequence["_Costly"]) -> DoorRate:
    def median(runs: Sequence[_Costly], measure: Callable[[Run], float]) -> float:
        return statistics.median(measure(each.run) for each in runs)

    def cost(runs: Sequence[_Costly]) -> Usage:
        return {name: statistics.median(each.cost[name] for each in runs) for name in runs[0].cost}

    rounds = list(zip(ours, naive, strict=True))

    return DoorRate(
        connections,
        median(ours, lambda run: run.rate),
        median(naive, lambda run: run.rate),
        median(ours, lambda run: run.percentile(0.5)),
        median(ours, lambda run: run.percentile(0.99)),
        median(naive, lambda run: run.percentile(0.5)),
        median(naive, lambda run: run.percentile(0.99)),
        statistics.median(one.run.rate / other.run.rate for one, other in rounds),
        statistics.median(
            other.run.percentile(0.99) / one.run.percentile(0.99) for one, other in rounds
        ),
        cost(ours),
        cost(naive),
    )


async def limits(street: Street, *, rounds: int) -> Limits:
    """Measures the contract and its limits in turn; medians over the rounds."""
    found = []
    for number in range(rounds):
        contract = await contract_rate(street, batches=40, series=f"b{number}")
        imported = await import_rate(street, rows=40_000, series=f"i{number}")
        copy, insert = copy_rate(street, rows=40_000), insert_rate(street, rows=1_000)
        found.append(Limits(contract, imported, copy, insert, contract / copy, imported / copy))
    medians = {
        each.name: statistics.median(getattr(one, each.name) for one in found)
        for each in fields(Limits)
    }
    return Limits(**medians)


async def contract_rate(street: Street, *, batches: int, series: str = "b") -> float:
    """Gives rows/s of RecordExecutions in batches of 500, two calls at a time."""
    async with grpc.aio.insecure_channel(street.ingestion_address) as channel:
        stub = rpc.IngestionServiceStub(channel)
        requests = [_batch(f"{series}-{number}") for number in range(batches)]
        began = time.perf_counter()
        await asyncio.gather(
            *(_recorded(stub, requests[lane::2]) for lane in range(2)),
        )
        return batches * 500 / (time.perf_counter() - began)


async def import_rate(street: Street, *, rows: int, series: str) -> float:
    """Gives rows/s of ImportExecutions: one call with the history of a location, 500 lines a message."""
    portions = [_portion(series, first, 500) for first in range(0, rows, 500)]
    async with grpc.aio.insecure_channel(street.ingestion_address) as channel:
        stub = rpc.IngestionServiceStub(channel)
        began = time.perf_counter()
        answer = await stub.ImportExecutions(iter(portions), timeout=120)
        if answer.accepted_count != rows:
            raise RuntimeError(f"only {answer.accepted_count} of {rows} rows were imported")
        return rows / (time.perf_counter() - began)


def _portion(series: str, first: int, lines: int) -> pb.ImportExecutionsRequest:
    newest = datetime.now(UTC) - HISTORY
    return pb.ImportExecutionsRequest(
        location_id=f"imported-{series}",
        lines=[
            pb.ImportLine(
                number=n + 1,
                execution=pb.Execution(
                    workflow_id=f"wf-{n % 200}",
                    workflow_name="Lead flow",
                    status=pb.EXECUTION_STATUS_SUCCESS if n % 10 else pb.EXECUTION_STATUS_FAILED,
                    execution_time_ms=n % 3000,
                    executed_at=timestamp(newest - timedelta(seconds=n)),
                    run_id=f"{series}-{n}",
                ),
            )
            for n in range(first, first + lines)
        ],
    )


async def _recorded(
    stub: rpc.IngestionServiceStub, requests: list[pb.RecordExecutionsRequest]
) -> None:
    for request in requests:
        await stub.RecordExecutions(request, timeout=30)


def _batch(name: str) -> pb.RecordExecutionsRequest:
    items = [
        pb.RecordItem(
            execution=pb.Execution(
                location_id="contract",
                workflow_id=f"wf-{n % 200}",
                workflow_name="Lead flow",
                status=pb.EXECUTION_STATUS_FAILED if n % 10 == 0 else pb.EXECUTION_STATUS_SUCCESS,
                execution_time_ms=n,
                idempotency_key=f"{name}-{n}",
            )
        )
        for n in range(500)
    ]
    return pb.RecordExecutionsRequest(items=items)


def copy_rate(street: Street, *, rows: int) -> float:
    """Gives rows/s of psycopg's binary COPY, 1,000 rows at a time, into the log itself."""
    with psycopg.connect(street.ingestion_url) as connection:
        made = connection.execute(f"SELECT * FROM ({ROWS.format(count=rows)}) AS made").fetchall()
        types = "uuid timestamptz timestamptz int8 bool bool text text text text" + " text" * 7
        began = time.perf_counter()
        for start in range(0, rows, 1000):
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY execution_logs ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(types.split())
                for row in made[start : start + 1000]:
                    copy.write_row(row)
            connection.commit()
        return rows / (time.perf_counter() - began)


def insert_rate(street: Street, *, rows: int) -> float:
    """Gives rows/s of one INSERT and one commit per row into the log itself."""
    with psycopg.connect(street.ingestion_url, autocommit=True) as connection:
        made = connection.execute(f"SELECT * FROM ({ROWS.format(count=rows)}) AS made").fetchall()
        places = ", ".join(["%s"] * 17)
        began = time.perf_counter()
        for row in made:
            connection.execute(f"INSERT INTO execution_logs ({COLUMNS}) VALUES ({places})", row)
        return rows / (time.perf_counter() - began)


async def lone_webhook(street: Street, *, count: int, pause: float) -> Run:
    """Sends webhooks one by one to an idle system."""
    webhooks = Webhooks(street.door, street.key, series="lone")
    whole = Run()
    for _ in range(count):
        run = await under_load(webhooks, connections=1, seconds=5, at_most=1)
        whole.latencies += run.latencies
        await asyncio.sleep(pause)
    return whole
