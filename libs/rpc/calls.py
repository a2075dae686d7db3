"""What happens around every call a service answers: identity, deadline, problems, one log line.

Not interceptors of gRPC: those are asked for each call anew, and with the two of
a call, the caller's and ours, took a third of its processor time.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, NoReturn, cast

import grpc
import structlog

from libs import ids, metrics, problems
from libs.rpc import Context, call, status

Method = Any  # grpc.RpcMethodHandler: its four kinds have no common type that mypy knows
log = structlog.get_logger()

DEFAULT_SECONDS = 30.0
"""The deadline of a call that came without one."""


class TokenWrong(problems.Unauthenticated):
    """Send the installation's SERVICE_TOKEN as `authorization: Bearer …`."""

    reason = "SERVICE_TOKEN_WRONG"


class Calls:
    """Stands for a server when a servicer is added to it, and wraps each of its methods.

    Whichever of the four kinds it is. Calls of `polled` methods that went well
    are logged only at DEBUG.
    """

    def __init__(
        self, server: grpc.aio.Server, token: str | None, polled: Collection[str] = ()
    ) -> None:
        self._server = server
        self._token = f"Bearer {token}".encode() if token is not None else None
        self._polled = polled

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Adds nothing: the same methods are registered by their names."""

    def add_registered_method_handlers(self, service: str, methods: Mapping[str, Method]) -> None:
        """Adds the methods of a service, wrapped."""
        wrapped = {
            name: self._streaming(method, service, name)
            if method.response_streaming
            else self._unary(method, service, name)
            for name, method in methods.items()
        }
        handler = grpc.method_handlers_generic_handler(service, wrapped)
        self._server.add_generic_rpc_handlers((handler,))
        self._server.add_registered_method_handlers(service, wrapped)

    def _unary(self, method: Method, service: str, name: str) -> Method:
        inner = method.stream_unary if method.request_streaming else method.unary_unary

        async def answer(request: Any, context: Context) -> Any:
            line = _Line(service, name, context, quiet=name in self._polled)
            try:
                self._check_token(line)
                if (left := context.time_remaining()) is not None:
                    call.set_deadline(left)
                    return await inner(request, context)
                call.set_deadline(DEFAULT_SECONDS)
                async with asyncio.timeout(DEFAULT_SECONDS):
                    return await inner(request, context)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  each is told
                await _tell(error, line, context)
            finally:
                line.write()

        wrap = (
            grpc.stream_unary_rpc_method_handler
            if method.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return wrap(answer, method.request_deserializer, method.response_serializer)

    def _streaming(self, method: Method, service: str, name: str) -> Method:
        inner = method.stream_stream if method.request_streaming else method.unary_stream

        async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
            line = _Line(service, name, context, quiet=name in self._polled)
            try:
                self._check_token(line)
                # A stream without a deadline lives as long as its caller.
                if (left := context.time_remaining()) is not None:
                    call.set_deadline(left)
                async for response in inner(request, context):
                    yield response
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  each is told
                await _tell(error, line, context)
            finally:
                line.write()

        wrap = (
            grpc.stream_stream_rpc_method_handler
            if method.request_streaming
            else grpc.unary_stream_rpc_method_handler
        )
        return wrap(answer, method.request_deserializer, method.response_serializer)

    def _check_token(self, line: "_Line") -> None:
        if self._token is None:
            return
        given = line.sent.get(call.TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(given, self._token):
            raise TokenWrong


async def _tell(error: BaseException, line: "_Line", context: Context) -> NoReturn:
    """Ends a call with what went wrong."""
    if isinstance(error, problems.Problem):
        line.code, line.reason = status.kind_of(error).code, error.reason
        await context.abort_with_status(status.to_status(error))
    elif isinstance(error, TimeoutError):
        line.code = grpc.StatusCode.DEADLINE_EXCEEDED
        await context.abort(line.code, problems.OutOfTime().message)
    elif isinstance(error, asyncio.CancelledError):
        line.code = _why_cancelled(context)
    else:
        line.code = grpc.StatusCode.INTERNAL
        request_id = call.request_id.get()
        log.error("rpc.crashed", rpc=line.rpc, request_id=request_id, exc_info=error)
        await context.abort(line.code, f"internal error (request {request_id})")
    raise error


def _why_cancelled(context: Context) -> grpc.StatusCode:
    left = context.time_remaining()
    expired = left is not None and left <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED


class _Line:
    """The one log line of a call."""

    def __init__(self, service: str, method: str, context: Context, *, quiet: bool) -> None:
        self._service = service
        self._method = method
        self._quiet = quiet
        self.code = grpc.StatusCode.OK
        self.reason = ""
        self._started = time.perf_counter()
        metadata = cast("Collection[tuple[str, str]]", context.invocation_metadata() or ())
        self.sent = {str(key): str(value) for key, value in metadata}
        call.request_id.set(self.sent.get(call.REQUEST_ID_HEADER) or ids.new_id())
        call.trace.set(call.trace_from(self.sent.get(call.TRACE_HEADER)))

    @property
    def rpc(self) -> str:
        return f"{self._service}/{self._method}"

    def write(self) -> None:
        seconds = time.perf_counter() - self._started
        of = {"service": self._service, "method": self._method, "code": self.code.name}
        metrics.RPC_HANDLED.labels(**of).inc()
        metrics.RPC_SECONDS.labels(service=self._service).observe(seconds)
        quiet = self._quiet and self.code is grpc.StatusCode.OK
        write = log.debug if quiet else log.info
        reason = {"reason": self.reason} if self.reason else {}
        write(
            "rpc.answered",
            rpc=self.rpc,
            code=self.code.name,
            ms=round(seconds * 1000, 1),
            request_id=call.request_id.get(),
            caller=self.sent.get("user-agent", ""),
            **call.traced(),
            **reason,
        )
