"""Channels to the services: a deadline budget, patience while they start, retries where safe."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from libs import ids
from libs.rpc import LARGEST_MESSAGE, call, status
from libs.settings import PeerSettings

READING = ("Get", "List", "BatchGet", "Check", "Preview")
"""Verbs whose calls change nothing, so a lost one may be sent again."""

Metadata = Sequence[tuple[str, str]]


class _Passing:
    """A channel whose calls send the request id, the trace and the token along.

    And no more time than the caller has left. Not an interceptor: gRPC makes a
    task and another call of each call for those.
    """

    def __init__(self, opened: grpc.aio.Channel, token: str | None) -> None:
        self._opened = opened
        self._token = token

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)

    def unary_unary(self, method: str, *serializers: Any, **more: Any) -> Callable[..., Any]:
        """Gives the method of a stub."""
        return self._passed_on(self._opened.unary_unary(method, *serializers, **more), method)

    def stream_unary(self, method: str, *serializers: Any, **more: Any) -> Callable[..., Any]:
        """Gives the method of a stub that sends a stream."""
        return self._passed_on(self._opened.stream_unary(method, *serializers, **more), method)

    def unary_stream(self, method: str, *serializers: Any, **more: Any) -> Callable[..., Any]:
        """Gives the method of a stub that receives a stream; that may last."""
        inner = self._opened.unary_stream(method, *serializers, **more)
        return self._passed_on(inner, method, may_last=True)

    def stream_stream(self, method: str, *serializers: Any, **more: Any) -> Callable[..., Any]:
        """Gives the method of a stub for a stream that stays open; its requests say their own ids."""
        inner = self._opened.stream_stream(method, *serializers, **more)
        return lambda: inner(metadata=self._metadata(), wait_for_ready=True)

    def _passed_on(
        self, inner: Callable[..., Any], method: str, *, may_last: bool = False
    ) -> Callable[..., Any]:
        def called(sent: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:
            if timeout is None and not may_last:
                raise ValueError(f"{method!r} is called without a timeout")
            left = None if timeout is None else call.budget(timeout)
            passed_on = (*metadata, *self._metadata())
            return inner(sent, timeout=left, metadata=passed_on, wait_for_ready=True)

        return called

    def _metadata(self) -> Metadata:
        metadata = [(call.REQUEST_ID_HEADER, call.request_id.get() or ids.new_id())]
        if trace := call.trace.get():
            metadata.append((call.TRACE_HEADER, trace))
        if self._token:
            metadata.append((call.TOKEN_HEADER, f"Bearer {self._token}"))
        return metadata


@asynccontextmanager
async def channel(
    address: str,
    service: ServiceDescriptor,
    settings: PeerSettings,
    *,
    idempotent: Collection[str] = (),
) -> AsyncIterator[grpc.aio.Channel]:
    """Opens a channel to one service.

    Calls that read, and those named in `idempotent`, are sent again when they
    were answered UNAVAILABLE. A call without a timeout is refused.
    """
    token = settings.service_token.get_secret_value() if settings.service_token else None
    options = (
        ("grpc.service_config", _service_config(service, idempotent)),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        # A service that comes back is found again within a second, not after minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    )
    credentials = _credentials(settings)
    if credentials is None:
        opened = grpc.aio.insecure_channel(address, options)
    else:
        opened = grpc.aio.secure_channel(address, credentials, options)
    async with opened:
        yield cast("grpc.aio.Channel", _Passing(opened, token))


def _service_config(service: ServiceDescriptor, idempotent: Collection[str]) -> str:
    retried = [
        {"service": service.full_name, "method": method.name}
        for method in service.methods
        if method.name.startswith(READING) or method.name in idempotent
    ]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": retried, "retryPolicy": policy}]})


def _credentials(settings: PeerSettings) -> grpc.ChannelCredentials | None:
    if settings.service_tls_ca is None:
        return None
    certificate, key = settings.service_tls_client_certificate, settings.service_tls_client_key
    return grpc.ssl_channel_credentials(
        root_certificates=settings.service_tls_ca.read_bytes(),
        private_key=key.read_bytes() if key else None,
        certificate_chain=certificate.read_bytes() if certificate else None,
    )


@contextmanager
def telling_problems() -> Iterator[None]:
    """Turns what a peer answered back into the problem it was."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise status.from_error(error) from error
