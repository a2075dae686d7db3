"""Opens, guards and drains a gRPC server."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from libs.problems import CannotStart
from libs.rpc import LARGEST_MESSAGE
from libs.rpc.calls import Calls
from libs.settings import ServiceSettings

log = structlog.get_logger()

DRAIN_SECONDS = 5.0
OPTIONS: Sequence[tuple[str, int]] = (
    # Without it a second process binds the same port silently and takes half the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
)


class PortTaken(CannotStart):
    """Another program listens on the port."""


@asynccontextmanager
async def serving(
    settings: ServiceSettings,
    service_name: str,
    add: Callable[[grpc.aio.Server], None],
    *,
    polled: Collection[str] = (),
) -> AsyncIterator[str]:
    """Serves until the block ends, then drains; health and reflection for everybody beside it.

    Yields the bound address, `host:port`. Methods in `polled` are asked every
    few seconds by machines; their good answers are not worth a log line.
    """
    token = settings.service_token.get_secret_value() if settings.service_token else None
    server = grpc.aio.server(options=OPTIONS)
    calls = Calls(server, token, polled)
    add(cast("grpc.aio.Server", calls))
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection(
        (service_name, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    address = f"{settings.host}:{_bind(server, settings, service_name)}"
    await server.start()
    for name in ("", service_name):
        await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    log.info("service.serving", service=service_name, address=address)
    try:
        yield address
    finally:
        await health_servicer.enter_graceful_shutdown()
        calls.end_conversations()
        await server.stop(DRAIN_SECONDS)
        log.info("service.stopped", service=service_name)


def _bind(server: grpc.aio.Server, settings: ServiceSettings, service_name: str) -> int:
    address = f"{settings.host}:{settings.port}"
    credentials = _credentials(settings)
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        variable = f"{settings.model_config.get('env_prefix', '')}PORT"
        raise PortTaken(
            f"{service_name} cannot listen on {address}: another program does. "
            f"Stop it, or set {variable} to another port (0 takes any free one)."
        ) from error


def _credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    if not (settings.tls_certificate and settings.tls_key):
        return None
    pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
    ca = _bytes_of(settings.tls_client_ca)
    return grpc.ssl_server_credentials(
        [pair], root_certificates=ca, require_client_auth=ca is not None
    )


def _bytes_of(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
