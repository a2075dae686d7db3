"""What happens around every call a service answers: identity, deadline, problems, one log line.

Not interceptors of gRPC: those are asked for each call anew, and with the two of
a call, the caller's and ours, took a third of its processor time.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, NoReturn, cast

import grpc
import structlog

from libs import problems
from libs.rpc import Context, call, status
from libs.rpc.conversations import Conversation
from libs.rpc.lines import Line

Method = Any  # grpc.RpcMethodHandler: its four kinds have no common type that mypy knows
log = structlog.get_logger()


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
        self._conversations: set[Conversation] = set()

    def end_conversations(self) -> None:
        """Ends the streams that would otherwise be kept open for the next request.

        Each as soon as what it has under way is answered.
        """
        for each in self._conversations:
            each.end()

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Adds nothing: the same methods are registered by their names."""

    def add_registered_method_handlers(self, service: str, methods: Mapping[str, Method]) -> None:
        """Adds the methods of a service, wrapped."""
        wrapped = {name: self._wrapped(method, service, name) for name, method in methods.items()}
        handler = grpc.method_handlers_generic_handler(service, wrapped)
        self._server.add_generic_rpc_handlers((handler,))
        self._server.add_registered_method_handlers(service, wrapped)

    def _wrapped(self, method: Method, service: str, name: str) -> Method:
        if not method.response_streaming:
            return self._unary(method, service, name)
        if not method.request_streaming:
            return self._streaming(method, service, name)
        return self._conversing(method, service, name)

    def _unary(self, method: Method, service: str, name: str) -> Method:
        inner = method.stream_unary if method.request_streaming else method.unary_unary

        async def answer(request: Any, context: Context) -> Any:
            line = self._line(service, name, context)
            try:
                self._check_token(line)
                if (left := context.time_remaining()) is not None:
                    call.set_deadline(left)
                    return await inner(request, context)
                call.set_deadline(call.DEFAULT_SECONDS)
                async with asyncio.timeout(call.DEFAULT_SECONDS):
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
        inner = method.unary_stream

        async def answer(request: Any, context: Context) -> AsyncIterator[Any]:
            line = self._line(service, name, context)
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

        return grpc.unary_stream_rpc_method_handler(
            answer, method.request_deserializer, method.response_serializer
        )

    def _conversing(self, method: Method, service: str, name: str) -> Method:
        inner = method.stream_stream

        async def answer(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            opening = self._line(service, name, context)
            conversation = Conversation(requests, opening)
            self._conversations.add(conversation)
            try:
                self._check_token(opening)
                async for response in inner(conversation, context):
                    yield response
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  each is told
                await _tell(error, conversation.line, context)
            finally:
                self._conversations.discard(conversation)
                conversation.line.write()

        return grpc.stream_stream_rpc_method_handler(
            answer, method.request_deserializer, method.response_serializer
        )

    def _line(self, service: str, method: str, context: Context) -> Line:
        metadata = cast("Collection[tuple[str, str]]", context.invocation_metadata() or ())
        sent = {str(key): str(value) for key, value in metadata}
        return Line(service, method, sent, quiet=method in self._polled)

    def _check_token(self, line: Line) -> None:
        if self._token is None:
            return
        given = line.sent.get(call.TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(given, self._token):
            raise TokenWrong


async def _tell(error: BaseException, line: Line, context: Context) -> NoReturn:
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
