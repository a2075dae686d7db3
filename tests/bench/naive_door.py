"""The naive path's door: Starlette, one gRPC call per webhook, uvicorn as it comes.

As it comes it takes uvloop and httptools, which are installed, and writes a line
for each request. `python -m tests.bench.naive_door PORT STORE-ADDRESS`
"""

import json
import sys
from contextlib import asynccontextmanager

import grpc
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc

STATUSES = {
    "success": pb.EXECUTION_STATUS_SUCCESS,
    "failed": pb.EXECUTION_STATUS_FAILED,
    "partial": pb.EXECUTION_STATUS_PARTIAL,
}


async def receive(request: Request) -> JSONResponse:
    body = json.loads(await request.body())
    execution = pb.Execution(
        location_id=body["location"]["id"],
        workflow_id=request.path_params["workflow_id"],
        workflow_name=body.get("workflowName", ""),
        status=STATUSES[body["status"]],
        failed_action_name=body.get("failedActionName", ""),
        error_message=body.get("errorMessage", ""),
        execution_time_ms=int(body["executionTimeMs"]),
        run_id=body["runId"],
    )
    items = [pb.RecordItem(execution=execution)]
    answer = await request.app.state.stub.RecordExecutions(
        pb.RecordExecutionsRequest(items=items), timeout=10
    )
    return JSONResponse({"status": "accepted", "execution_id": answer.results[0].execution_id})


def door(store: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app):
        async with grpc.aio.insecure_channel(store) as channel:
            app.state.stub = rpc.IngestionServiceStub(channel)
            yield

    route = Route("/api/workflows/{workflow_id}/executions", receive, methods=["POST"])
    return Starlette(routes=[route], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(door(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]))
