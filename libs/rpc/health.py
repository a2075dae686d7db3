"""Asks a service for its health: `python -m libs.rpc.health 127.0.0.1:50051`.

Exits 0 when it serves and 1 when it does not; meant for container health checks.
"""

import asyncio
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def serves(address: str, *, seconds: float = 2.0) -> bool:
    """Says whether the service at the address serves."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main() -> int:
    if len(sys.argv) != 2:  # noqa: PLR2004
        print("usage: python -m libs.rpc.health HOST:PORT", file=sys.stderr)  # noqa: T201
        return 2
    return 0 if asyncio.run(serves(sys.argv[1])) else 1


if __name__ == "__main__":
    sys.exit(main())
