"""The naive path's service: one call, one INSERT. `python -m tests.bench.naive_store PORT URL`."""

import sys

import grpc
import uvloop
from psycopg_pool import AsyncConnectionPool

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.ids import new_id

INSERT = """
INSERT INTO naive_executions
    (execution_id, location_id, workflow_id, status, failed_action_name, error_message,
     execution_time_ms, executed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, now())
"""


class NaiveStore(rpc.IngestionServiceServicer):
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def RecordExecutions(self, request, context):
        execution = request.items[0].execution
        row = (
            new_id(),
            execution.location_id,
            execution.workflow_id,
            pb.ExecutionStatus.Name(execution.status),
            execution.failed_action_name,
            execution.error_message,
            execution.execution_time_ms,
        )
        async with self._pool.connection() as connection:
            await connection.execute(INSERT, row)
        accepted = pb.RecordResult(outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id=row[0])
        return pb.RecordExecutionsResponse(results=[accepted])


async def main(port: str, url: str) -> None:
    async with AsyncConnectionPool(url, min_size=8, max_size=8) as pool:
        server = grpc.aio.server()
        rpc.add_IngestionServiceServicer_to_server(NaiveStore(pool), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        print("serving", flush=True)
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
