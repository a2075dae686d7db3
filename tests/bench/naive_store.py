"""The naive path's service: one call, one INSERT, written as gRPC's and psycopg's own examples are.

`python -m tests.bench.naive_store PORT URL`
"""

import asyncio
import sys
from datetime import UTC, datetime

import grpc
from psycopg_pool import AsyncConnectionPool

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.ids import new_id

TABLE = "CREATE TABLE naive_executions (LIKE execution_logs INCLUDING ALL)"
"""The log itself with all its indexes, but in one piece instead of weeks."""
INSERT = """
INSERT INTO naive_executions (
    execution_id, executed_at, received_at, execution_time_ms, error_message_truncated,
    executed_at_adjusted, location_id, workflow_id, status, source, workflow_name,
    failed_action_id, failed_action_name, error_message, error_class, error_fingerprint, run_id
) VALUES (%s, %s, %s, %s, false, false, %s, %s, %s, 'webhook', %s, %s, %s, %s, '', '', %s)
"""
STATUSES = {
    pb.EXECUTION_STATUS_SUCCESS: "success",
    pb.EXECUTION_STATUS_FAILED: "failed",
    pb.EXECUTION_STATUS_PARTIAL: "partial",
}


class NaiveStore(rpc.IngestionServiceServicer):
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def RecordExecutions(self, request, context):
        run, execution_id, now = request.items[0].execution, new_id(), datetime.now(UTC)
        row = (
            execution_id,
            now,
            now,
            run.execution_time_ms,
            run.location_id,
            run.workflow_id,
            STATUSES[run.status],
            run.workflow_name,
            run.failed_action_id,
            run.failed_action_name,
            run.error_message,
            run.run_id,
        )
        async with self._pool.connection() as connection:
            await connection.execute(INSERT, row)
        accepted = pb.RecordResult(
            outcome=pb.RecordResult.OUTCOME_ACCEPTED, execution_id=execution_id
        )
        return pb.RecordExecutionsResponse(results=[accepted])


async def main(port: str, url: str) -> None:
    async with AsyncConnectionPool(url, min_size=8, max_size=8) as pool:
        server = grpc.aio.server()
        rpc.add_IngestionServiceServicer_to_server(NaiveStore(pool), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
