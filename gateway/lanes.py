"""Streams to ingestion that stay open, so that a batch costs a message instead of a call."""

from collections.abc import Callable
from typing import TypeAlias

import grpc

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

Lane: TypeAlias = "grpc.aio.StreamStreamCall[pb.RecordBatchesRequest, pb.RecordBatchesResponse]"


class Lanes:
    """As many streams as there were batches at the same moment; each carries one at a time."""

    def __init__(self, open_lane: Callable[[], Lane]) -> None:
        self._open_lane = open_lane
        self._idle: list[Lane] = []

    async def record(self, batch: pb.RecordBatchesRequest) -> pb.RecordBatchesResponse:
        """Gives the answer to a batch; raises gRPC's error of a stream that failed.

        An ingestion that stops ends its streams when it has answered what it read. A
        batch that it did not read goes on to the next stream.
        """
        while True:
            lane = self._idle.pop() if self._idle else self._open_lane()
            answer = await _answer(lane, batch)
            if answer is not None:
                self._idle.append(lane)
                return answer


async def _answer(lane: Lane, batch: pb.RecordBatchesRequest) -> pb.RecordBatchesResponse | None:
    """Gives the answer; None when the stream had ended."""
    if lane.done():
        return None
    try:
        await lane.write(batch)
        answer = await lane.read()
    except BaseException:
        lane.cancel()  # nobody knows what would come next
        raise
    return answer if isinstance(answer, pb.RecordBatchesResponse) else None
