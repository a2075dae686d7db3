"""Everything the services share about speaking gRPC."""

from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

LARGEST_MESSAGE = 8 * 1024 * 1024
"""Both ends allow it: with gRPC's 4 MiB, 100 long items were refused as a whole."""
