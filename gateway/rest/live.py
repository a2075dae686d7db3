"""What happens, as it happens: executions as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import grpc
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from google.protobuf.message import Message

from gateway.rest import wire
from gateway.rest.backend import Backend
from gateway.rest.executions import Statuses
from gateway.rest.models.executions import Execution
from gateway.rest.routes import Back, KeyedRoute, ReadLocation
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/events", tags=["Live"], route_class=KeyedRoute)

M = TypeVar("M", bound=Message)
Call: TypeAlias = grpc.aio.UnaryStreamCall[Any, M]

MEDIA_TYPE = "text/event-stream"
REFUSAL_SECONDS = 0.2
"""A refusal comes at once, and is then the answer; whatever comes later is told in the stream."""
OPENED = b": open\nretry: 2000\n\n"
ALIVE = b": alive\n\n"


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event `execution` for each, its data one as in the list.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
async def stream_events(
    *,
    back: Back,
    location_id: ReadLocation,
    status: Statuses,
    workflow_id: Annotated[str, Query(description="Only this workflow.")] = "",
    cursor: Annotated[
        str, Query(description="The id of the last event, where no header can be set.")
    ] = "",
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event; browsers send it themselves.")
    ] = None,
) -> StreamingResponse:
    """Sends executions as they are recorded, until the caller leaves.

    It goes on after the last event, at most a day back; those of the half minute
    before it may come again, so look at their `id`. A comment comes every 15
    seconds when nothing else does.
    """
    request = pb.WatchExecutionsRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        statuses=[wire.number(pb.ExecutionStatus.DESCRIPTOR, each) for each in status],
        cursor=last_event_id or cursor,
    )
    return await streamed(
        back, "ingestion", back.services.ingestion.WatchExecutions(request), _event
    )


async def streamed(
    back: Backend, service: str, call: Call[M], shown: Callable[[M], bytes]
) -> StreamingResponse:
    """Passes a stream of a service on as server-sent events; raises what it refuses right away."""
    watch = _Watch(back, service, call, shown)
    await watch.begin()
    return StreamingResponse(
        watch.events(), media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"}
    )


class _Watch(Generic[M]):
    """One caller's stream, between a service and HTTP."""

    def __init__(
        self, back: Backend, service: str, call: Call[M], shown: Callable[[M], bytes]
    ) -> None:
        self._back = back
        self._service = service
        self._call = call
        self._shown = shown
        self._arriving = aiter(call)
        self._waiting = asyncio.create_task(self._next())

    async def begin(self) -> None:
        """Raises what the service refuses right away."""
        await asyncio.wait([self._waiting], timeout=REFUSAL_SECONDS)
        if self._waiting.done():
            self._waiting.result()

    async def events(self) -> AsyncIterator[bytes]:
        """Gives the bytes to send, until the service or the caller ends it."""
        try:
            yield OPENED
            while True:
                await asyncio.wait([self._waiting], timeout=self._back.sign_of_life)
                if not self._waiting.done():
                    yield ALIVE
                    continue
                found = self._waiting.result()
                if found is None:
                    return
                self._waiting = asyncio.create_task(self._next())
                yield self._shown(found)
        except problems.Problem as problem:
            # The caller comes back by itself, and is answered what is wrong then.
            yield f": {problem.reason}\n\n".encode()
        finally:
            self._call.cancel()  # a stream that nobody reads any more would stay open
            self._waiting.cancel()

    async def _next(self) -> M | None:
        with self._back.asking(self._service):
            return await anext(self._arriving, None)


def _event(found: pb.WatchExecutionsResponse) -> bytes:
    shown = Execution.of(found.execution).model_dump_json()
    return f"id: {found.cursor}\nevent: execution\ndata: {shown}\n\n".encode()
