"""The three services, as the gateway sees them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.settings import GatewaySettings
from libs.contracts.ingestion.v1 import ingestion_pb2, ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc
from libs.contracts.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc
from libs.rpc.client import channel

SECONDS = 5.0
"""How long a call of the REST API waits for a service."""


@dataclass(frozen=True, slots=True)
class Services:
    """A stub of each service. Wrap calls in `libs.rpc.client.telling_problems()`."""

    ingestion: ingestion_pb2_grpc.IngestionServiceStub
    scheduler: scheduler_pb2_grpc.SchedulerServiceStub
    notifier: notifier_pb2_grpc.NotifierServiceStub


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
        )
