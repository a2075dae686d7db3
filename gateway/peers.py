"""The three services, as the gateway sees them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc

from gateway.batches import RETRY_AFTER, Record
from gateway.lanes import Lanes
from gateway.settings import GatewaySettings
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2, ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc
from libs.contracts.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc
from libs.rpc import call
from libs.rpc.client import channel, telling_problems

SECONDS = 5.0
"""How long a call of the REST API waits for a service."""


HEARTBEAT = timedelta(seconds=10)
"""How often a gateway says that its door is open."""


class NotRecorded(problems.Unavailable):
    """Ingestion did not answer in time, so nothing is known to be kept; send it again."""

    reason = "NOT_RECORDED"


@dataclass(frozen=True, slots=True)
class Services:
    """A stub of each service. Wrap calls in `libs.rpc.client.telling_problems()`."""

    ingestion: ingestion_pb2_grpc.IngestionServiceStub
    scheduler: scheduler_pb2_grpc.SchedulerServiceStub
    notifier: notifier_pb2_grpc.NotifierServiceStub
    channels: Mapping[str, grpc.aio.Channel]
    """By the service's name; they know whether it is reached, and carry its health checks."""


def recording(services: Services, seconds: float = SECONDS) -> Record:
    """Gives what records a batch.

    It is never sent a second time after ingestion may have read it: an item
    without a key would count twice.
    """
    lanes = Lanes(services.ingestion.RecordBatches)

    async def record(
        items: Sequence[ingestion_pb2.RecordItem],
    ) -> Sequence[ingestion_pb2.RecordResult]:
        batch = ingestion_pb2.RecordBatchesRequest(
            items=items, request_id=call.request_id.get(), traceparent=call.trace.get()
        )
        try:
            with telling_problems():
                async with asyncio.timeout(seconds):
                    return (await lanes.record(batch)).results
        except TimeoutError as error:
            raise NotRecorded(retry_after=RETRY_AFTER) from error
        except (problems.Unavailable, problems.OutOfTime) as problem:
            if problem.reason != type(problem).reason:
                raise  # ingestion's own words
            raise NotRecorded(retry_after=RETRY_AFTER) from problem

    return record


async def keep_open(services: Services) -> None:
    """Says that what comes to the door can be recorded; raises why it cannot."""
    with telling_problems():
        await services.ingestion.KeepDoorOpen(ingestion_pb2.KeepDoorOpenRequest(), timeout=SECONDS)


@asynccontextmanager
async def connected(settings: GatewaySettings) -> AsyncIterator[Services]:
    """Opens a channel to each service; none needs to be there yet."""
    ingestion = ingestion_pb2.DESCRIPTOR.services_by_name["IngestionService"]
    scheduler = scheduler_pb2.DESCRIPTOR.services_by_name["SchedulerService"]
    notifier = notifier_pb2.DESCRIPTOR.services_by_name["NotifierService"]
    async with AsyncExitStack() as stack:
        to_ingestion = await stack.enter_async_context(
            channel(settings.ingestion_address, ingestion, settings)
        )
        to_scheduler = await stack.enter_async_context(
            channel(settings.scheduler_address, scheduler, settings)
        )
        to_notifier = await stack.enter_async_context(
            channel(settings.notifier_address, notifier, settings)
        )
        yield Services(
            ingestion_pb2_grpc.IngestionServiceStub(to_ingestion),
            scheduler_pb2_grpc.SchedulerServiceStub(to_scheduler),
            notifier_pb2_grpc.NotifierServiceStub(to_notifier),
            {"ingestion": to_ingestion, "scheduler": to_scheduler, "notifier": to_notifier},
        )
