"""Channels to the services: a deadline budget, patience while they start, retries where safe."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from libs import ids
from libs.rpc import LARGEST_MESSAGE, call, status
from libs.settings import PeerSettings

READING = ("Get", "List", "BatchGet", "Check", "Preview")
"""Verbs whose calls change nothing, so a lost one may be sent again."""

Details = grpc.aio.ClientCallDetails


class _Budget(
    grpc.aio.UnaryUnaryClientInterceptor,
    grpc.aio.UnaryStreamClientInterceptor,
    grpc.aio.StreamUnaryClientInterceptor,
):
    """Sends the request id, the trace and the token along, and no more time than the caller has left."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def intercept_unary_unary(
        self,
        continuation: Callable[[Details, Any], Awaitable[Any]],
        client_call_details: Details,
        request: Any,
    ) -> Any:
        if client_call_details.timeout is None:
            raise ValueError(f"{client_call_details.method!r} is called without a timeout")
        return await continuation(self._passed_on(client_call_details), request)

    async def intercept_unary_stream(
        self,
        continuation: Callable[[Details, Any], Awaitable[Any]],
        client_call_details: Details,
        request: Any,
    ) -> Any:
        return await continuation(self._passed_on(client_call_details), request)

    async def intercept_stream_unary(
        self,
        continuation: Callable[[Details, Any], Awaitable[Any]],
        client_call_details: Details,
        request_iterator: Any,
    ) -> Any:
        if client_call_details.timeout is None:
            raise ValueError(f"{client_call_details.method!r} is called without a timeout")
        return await continuation(self._passed_on(client_call_details), request_iterator)

    def _passed_on(self, details: Details) -> Details:
        metadata = list(details.metadata or ())
        metadata.append((call.REQUEST_ID_HEADER, call.request_id.get() or ids.new_id()))
        if trace := call.trace.get():
            metadata.append((call.TRACE_HEADER, trace))
        if self._token:
            metadata.append((call.TOKEN_HEADER, f"Bearer {self._token}"))
        timeout = None if details.timeout is None else call.budget(details.timeout)
        return Details(
            details.method,
            timeout,
            grpc.aio.Metadata(*metadata),
            details.credentials,
            True,
        )


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
        opened = grpc.aio.insecure_channel(address, options, interceptors=[_Budget(token)])
    else:
        opened = grpc.aio.secure_channel(
            address, credentials, options, interceptors=[_Budget(token)]
        )
    async with opened:
        yield opened


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
