"""An ingestion that does what a test tells it, behind the real contract."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.ids import new_id
from libs.problems import Problem
from libs.rpc.server import serving
from libs.settings import ServiceSettings

SERVICE = pb.DESCRIPTOR.services_by_name["IngestionService"].full_name
Answer = Callable[[pb.RecordItem], pb.RecordResult]
Heartbeat = Callable[[], Awaitable[object]]
ProblemOf = Callable[[list[pb.RecordItem]], Problem | None]


def recorded(item: pb.RecordItem) -> pb.RecordResult:
    """Gives the answer of an ingestion that is well."""
    kept = pb.RecordResult.OUTCOME_ACCEPTED
    if item.WhichOneof("content") == "unread":
        kept = pb.RecordResult.OUTCOME_QUARANTINED
    return pb.RecordResult(outcome=kept, execution_id=new_id())


async def well() -> None:
    """Answers a heartbeat."""


class FakeIngestion(rpc.IngestionServiceServicer):
    """Keeps what it was sent; answers as scripted."""

    def __init__(self) -> None:
        self.address = ""
        self.reset()

    def reset(self) -> None:
        """Forgets everything; it is well again."""
        self.calls: list[list[pb.RecordItem]] = []
        self.request_ids: list[str] = []
        self.answer: Answer = recorded
        self.problem_of: ProblemOf = lambda _: None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.heartbeats = 0
        self.on_heartbeat: Heartbeat = well

    @property
    def items(self) -> list[pb.RecordItem]:
        return [item for batch in self.calls for item in batch]

    @property
    def executions(self) -> list[pb.Execution]:
        return [item.execution for item in self.items if item.HasField("execution")]

    @property
    def unread(self) -> list[pb.UnreadDelivery]:
        return [item.unread for item in self.items if item.HasField("unread")]

    async def RecordBatches(self, request_iterator, context):
        async for request in request_iterator:
            self.calls.append(list(request.items))
            self.request_ids.append(request.request_id)
            await self.may_answer.wait()
            if problem := self.problem_of(list(request.items)):
                raise problem
            yield pb.RecordBatchesResponse(results=[self.answer(item) for item in request.items])

    async def KeepDoorOpen(self, request, context):
        self.heartbeats += 1
        await self.on_heartbeat()
        return pb.KeepDoorOpenResponse()


@asynccontextmanager
async def fake_ingestion() -> AsyncIterator[FakeIngestion]:
    """Serves it on a free port of loopback."""
    fake = FakeIngestion()

    def add(server):
        rpc.add_IngestionServiceServicer_to_server(fake, server)

    async with serving(ServiceSettings(port=0), SERVICE, add) as fake.address:
        yield fake
