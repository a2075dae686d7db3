"""What happens around every call a service answers: identity, deadline, problems, one log line."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog

from libs import ids, metrics, problems
from libs.rpc import Context, call, status

Method = Any  # grpc.RpcMethodHandler: its four kinds have no common type that mypy knows
log = structlog.get_logger()

DEFAULT_SECONDS = 30.0
"""The deadline of a call that came without one."""

PUBLIC_SERVICES = ("/grpc.health.", "/grpc.reflection.")
"""Answered without a token."""


class TokenWrong(problems.Unauthenticated):
    """Send the installation's SERVICE_TOKEN as `authorization: Bearer …`."""

    reason = "SERVICE_TOKEN_WRONG"


class Calls(grpc.aio.ServerInterceptor):
    """Wraps each method, whichever of the four kinds it is.

    Calls of `polled` methods that went well are logged only at DEBUG.
    """

    def __init__(self, token: str | None, polled: Collection[str] = ()) -> None:
        self._token = token
        self._polled = polled

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Method]],
        details: grpc.HandlerCallDetails,
    ) -> Method:
        method = await continuation(details)
        if method is None:
            return None
        if method.response_streaming:
            return self._streaming(method, details)
        return self._unary(method, details)

    def _unary(self, method: Method, details: grpc.HandlerCallDetails) -> Method:
        inner = method.stream_unary if method.request_streaming else method.unary_unary

        async def answer(request: Any, context: Context) -> Any:
            async with self._answering(details, context):
                return await inner(request, context)

        wrap = (
            grpc.stream_unary_rpc_method_handler
            if method.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return wrap(answer, method.request_deserializer, method.response_serializer)

    def _streaming(self, method: Method, details: grpc.HandlerCallDetails) -> Method:
        inner = method.stream_stream if method.request_streaming else method.unary_stream

        async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._answering(details, context, streaming=True):
                async for response in inner(request, context):
                    yield response

        wrap = (
            grpc.stream_stream_rpc_method_handler
            if method.request_streaming
            else grpc.unary_stream_rpc_method_handler
        )
        return wrap(answer, method.request_deserializer, method.response_serializer)

    @asynccontextmanager
    async def _answering(
        self, details: grpc.HandlerCallDetails, context: Context, *, streaming: bool = False
    ) -> AsyncIterator[None]:
        line = _Line(details, self._polled)
        try:
            self._check_token(details, line)
            async with _deadline(context, streaming=streaming):
                yield
        except problems.Problem as problem:
            line.code = status.kind_of(problem).code
            line.reason = problem.reason
            await context.abort_with_status(status.to_status(problem))
        except TimeoutError:
            line.code = grpc.StatusCode.DEADLINE_EXCEEDED
            await context.abort(line.code, problems.OutOfTime().message)
        except asyncio.CancelledError:
            line.code = _why_cancelled(context)
            raise
        except Exception:
            line.code = grpc.StatusCode.INTERNAL
            log.exception("rpc.crashed", rpc=details.method, request_id=call.request_id.get())
            await context.abort(line.code, f"internal error (request {call.request_id.get()})")
        finally:
            line.write()

    def _check_token(self, details: grpc.HandlerCallDetails, line: "_Line") -> None:
        if self._token is None or line.public:
            return
        given = _metadata(details).get(call.TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise TokenWrong


@asynccontextmanager
async def _deadline(context: Context, *, streaming: bool) -> AsyncIterator[None]:
    left = context.time_remaining()
    if left is not None:
        call.set_deadline(left)
        yield
    elif streaming:
        yield  # a stream without a deadline lives as long as its caller
    else:
        call.set_deadline(DEFAULT_SECONDS)
        async with asyncio.timeout(DEFAULT_SECONDS):
            yield


def _why_cancelled(context: Context) -> grpc.StatusCode:
    left = context.time_remaining()
    expired = left is not None and left <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED


def _metadata(details: grpc.HandlerCallDetails) -> dict[str, str]:
    return {str(key): str(value) for key, value in details.invocation_metadata or ()}


class _Line:
    """The one log line of a call."""

    def __init__(self, details: grpc.HandlerCallDetails, polled: Collection[str]) -> None:
        self.rpc = str(details.method)
        self.public = self.rpc.startswith(PUBLIC_SERVICES)
        self._polled = self.public or self.rpc.rpartition("/")[2] in polled
        self.code = grpc.StatusCode.OK
        self.reason = ""
        self._started = time.perf_counter()
        sent = _metadata(details)
        call.request_id.set(sent.get(call.REQUEST_ID_HEADER) or ids.new_id())
        call.trace.set(call.trace_from(sent.get(call.TRACE_HEADER)))
        self._caller = sent.get("user-agent", "")

    def write(self) -> None:
        seconds = time.perf_counter() - self._started
        _, service, method = self.rpc.split("/")
        metrics.RPC_HANDLED.labels(service=service, method=method, code=self.code.name).inc()
        metrics.RPC_SECONDS.labels(service=service).observe(seconds)
        quiet = self._polled and self.code is grpc.StatusCode.OK
        write = log.debug if quiet else log.info
        reason = {"reason": self.reason} if self.reason else {}
        write(
            "rpc.answered",
            rpc=self.rpc.removeprefix("/"),
            code=self.code.name,
            ms=round(seconds * 1000, 1),
            request_id=call.request_id.get(),
            caller=self._caller,
            **call.traced(),
            **reason,
        )
