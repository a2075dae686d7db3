"""Services that answer what a test told them to, over real gRPC, and remember what they were asked."""

import asyncio
import inspect
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2
from libs.rpc.server import serving
from libs.settings import ServiceSettings

HEARTBEAT = "KeepDoorOpen"
"""What the gateway asks by itself, every ten seconds."""

Script = Message | list[Message] | problems.Problem | Callable[[Any], Any]
"""An answer, a problem to raise, or a function of the request that gives one, also async.

Of a method that answers with a stream the answer is a list; of one that takes a
stream the request is. Where both are streams each request has an answer of its own.
"""


class ScriptedService:
    """One contract, played by a script."""

    def __init__(self, contract: ServiceDescriptor) -> None:
        self._contract = contract
        self._script: dict[str, Script] = {}
        self.asked: defaultdict[str, list[Any]] = defaultdict(list)

    def answers(self, method: str, script: Script) -> None:
        """Sets what a method answers from now on."""
        assert method in self._contract.methods_by_name
        self._script[method] = script

    def last(self, method: str) -> Any:
        """Gives the newest request of a method."""
        return self.asked[method][-1]

    def forget(self) -> None:
        self._script.clear()
        self.asked.clear()

    def add_to(self, server: grpc.aio.Server) -> None:
        handlers = {each.name: self._handler(each) for each in self._contract.methods}
        server.add_registered_method_handlers(self._contract.full_name, handlers)

    def _handler(self, method: MethodDescriptor) -> Any:
        wrap, behaviour = self._behaviour(method)
        return wrap(
            behaviour,
            message_factory.GetMessageClass(method.input_type).FromString,
            message_factory.GetMessageClass(method.output_type).SerializeToString,
        )

    def _behaviour(self, method: MethodDescriptor) -> tuple[Any, Any]:
        async def answer(request: Any, _: Any) -> Any:
            if method.client_streaming:
                request = [each async for each in request]
            return await self._answer(method.name, request)

        async def stream(request: Message, _: Any) -> AsyncIterator[Message]:
            given = await self._answer(method.name, request)
            if inspect.isasyncgen(given):
                async for each in given:
                    yield each
                return
            for each in given:
                yield each

        async def converse(requests: AsyncIterator[Message], _: Any) -> AsyncIterator[Message]:
            async for each in requests:
                yield await self._answer(method.name, each)

        return {
            (False, False): (grpc.unary_unary_rpc_method_handler, answer),
            (True, False): (grpc.stream_unary_rpc_method_handler, answer),
            (False, True): (grpc.unary_stream_rpc_method_handler, stream),
            (True, True): (grpc.stream_stream_rpc_method_handler, converse),
        }[method.client_streaming, method.server_streaming]

    async def _answer(self, name: str, request: Any) -> Any:
        if name == HEARTBEAT:
            return ingestion_pb2.KeepDoorOpenResponse()
        self.asked[name].append(request)
        script = self._script.get(name)
        if script is None:
            raise AssertionError(f"nobody said what {name} answers")
        if isinstance(script, problems.Problem):
            raise script
        given = script(request) if callable(script) else script
        return await given if inspect.isawaitable(given) else given


@dataclass(frozen=True)
class Street:
    """The three services, and where they answer."""

    ingestion: ScriptedService
    scheduler: ScriptedService
    notifier: ScriptedService
    addresses: dict[str, str]
    _running: dict[str, AsyncExitStack]

    def forget(self) -> None:
        for each in (self.ingestion, self.scheduler, self.notifier):
            each.forget()

    async def stop(self, name: str) -> None:
        """Ends one of them."""
        await self._running[name].aclose()


@asynccontextmanager
async def street() -> AsyncIterator[Street]:
    """Runs all three on free ports."""
    contracts = {
        "ingestion": ingestion_pb2.DESCRIPTOR.services_by_name["IngestionService"],
        "scheduler": scheduler_pb2.DESCRIPTOR.services_by_name["SchedulerService"],
        "notifier": notifier_pb2.DESCRIPTOR.services_by_name["NotifierService"],
    }
    services = {name: ScriptedService(each) for name, each in contracts.items()}
    running = {name: AsyncExitStack() for name in contracts}
    addresses = {
        name: await running[name].enter_async_context(
            serving(ServiceSettings(port=0), contracts[name].full_name, service.add_to)
        )
        for name, service in services.items()
    }
    try:
        yield Street(**services, addresses=addresses, _running=running)
    finally:
        await asyncio.gather(*(each.aclose() for each in running.values()))
