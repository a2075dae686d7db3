"""A problem keeps its kind, reason, fields and facts over a hop, and a bug says nothing."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from structlog.testing import capture_logs

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc import call, status
from libs.rpc.client import channel, telling_problems
from libs.rpc.server import PortTaken, serving
from libs.settings import PeerSettings, ServiceSettings
from tests.support.waiting import eventually

SERVICE = pb.DESCRIPTOR.services_by_name["IngestionService"]
REQUEST = pb.ListWorkflowsRequest(location_id="loc")


class Settings(ServiceSettings):
    port: int = 0


class WorkflowNotFound(problems.NotFound):
    """No workflow of this location has this id."""

    reason = "WORKFLOW_NOT_FOUND"


class Scripted(rpc.IngestionServiceServicer):
    """Answers what the test told it to."""

    def __init__(self):
        self.behave = None
        self.calls = 0

    async def ListWorkflows(self, request, context):
        self.calls += 1
        await self.behave()
        return pb.ListWorkflowsResponse()


@pytest.fixture
def servicer():
    return Scripted()


@pytest.fixture
async def address(servicer):
    def add(server):
        rpc.add_IngestionServiceServicer_to_server(servicer, server)

    async with serving(Settings(), SERVICE.full_name, add) as address:
        yield address


@pytest.fixture
async def stub(address):
    async with channel(address, SERVICE, PeerSettings()) as opened:
        yield rpc.IngestionServiceStub(opened)


def raising(error):
    async def behave():
        raise error

    return behave


@pytest.mark.parametrize("kind", status.KINDS, ids=lambda kind: kind.problem.__name__)
async def test_a_problem_comes_back_as_the_kind_it_was(servicer, stub, kind):
    servicer.behave = raising(kind.problem("said plainly", workflow_id="wf-1"))

    with pytest.raises(problems.Problem) as caught, telling_problems():
        await stub.ListWorkflows(REQUEST, timeout=2)

    assert type(caught.value) is kind.problem
    assert caught.value.message == "said plainly"
    assert caught.value.reason == kind.problem.reason
    assert caught.value.facts == {"workflow_id": "wf-1"}


async def test_fields_and_the_delay_travel_along(servicer, stub):
    wrong = [problems.FieldError("timezone", "is not known")]
    servicer.behave = raising(
        problems.InvalidRequest("no", fields=wrong, retry_after=timedelta(seconds=7))
    )

    with pytest.raises(problems.InvalidRequest) as caught, telling_problems():
        await stub.ListWorkflows(REQUEST, timeout=2)

    assert caught.value.fields == tuple(wrong)
    assert caught.value.retry_after == timedelta(seconds=7)


async def test_the_details_are_those_of_google_rpc(servicer, stub):
    servicer.behave = raising(WorkflowNotFound(workflow_id="wf-1"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListWorkflows(REQUEST, timeout=2)

    found = {detail.TypeName(): detail for detail in rpc_status.from_call(caught.value).details}
    info = error_details_pb2.ErrorInfo()
    found["google.rpc.ErrorInfo"].Unpack(info)
    resource = error_details_pb2.ResourceInfo()
    found["google.rpc.ResourceInfo"].Unpack(resource)
    assert (info.domain, info.reason) == ("runwarden", "WORKFLOW_NOT_FOUND")
    assert (resource.resource_type, resource.resource_name) == ("workflow", "wf-1")


async def test_many_long_details_still_fit_into_the_metadata(servicer, stub):
    wrong = [problems.FieldError(f"field_{n}", "x" * 300) for n in range(50)]
    servicer.behave = raising(problems.InvalidRequest("no", fields=wrong, given="y" * 10_000))

    with pytest.raises(problems.InvalidRequest) as caught, telling_problems():
        await stub.ListWorkflows(REQUEST, timeout=2)

    assert len(caught.value.fields) == problems.MOST_FIELDS


async def test_a_bug_tells_the_caller_the_request_id_and_nothing_else(servicer, stub):
    servicer.behave = raising(ValueError("postgresql://user:secret@host"))

    with capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListWorkflows(REQUEST, timeout=2, metadata=(("x-request-id", "req-1"),))

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in caught.value.details()
    assert caught.value.details().startswith("internal error")
    crashed = [line for line in logs if line["event"] == "rpc.crashed"]
    assert len(crashed) == 1


async def test_each_call_writes_one_line(servicer, stub):
    async def fine():
        return None

    servicer.behave = fine
    token = call.request_id.set("req-7")
    with capture_logs() as logs:
        await stub.ListWorkflows(REQUEST, timeout=2)
    call.request_id.reset(token)

    lines = [line for line in logs if line["event"] == "rpc.answered"]
    assert [(line["code"], line["request_id"]) for line in lines] == [("OK", "req-7")]
    assert lines[0]["rpc"] == "runwarden.ingestion.v1.IngestionService/ListWorkflows"


async def test_a_passed_deadline_is_logged_as_one(servicer, stub):
    async def forever():
        await asyncio.Event().wait()

    servicer.behave = forever
    with capture_logs() as logs:
        with pytest.raises(problems.OutOfTime), telling_problems():
            await stub.ListWorkflows(REQUEST, timeout=0.2)
        await eventually(lambda: any(line["event"] == "rpc.answered" for line in logs))

    assert [line["code"] for line in logs if line["event"] == "rpc.answered"] == [
        "DEADLINE_EXCEEDED"
    ]


async def test_the_next_hop_gets_a_little_less_time_than_this_one(servicer, stub):
    seen = []

    async def look():
        seen.append(call.budget(100))

    servicer.behave = look
    await stub.ListWorkflows(REQUEST, timeout=3)

    # gRPC rounds a deadline by some milliseconds.
    assert 2.5 < seen[0] < 3 - call.HOP_SECONDS / 2


async def test_a_call_without_a_timeout_is_refused(stub):
    with pytest.raises(ValueError, match="without a timeout"):
        await stub.ListWorkflows(REQUEST)


async def test_reading_is_tried_again_when_the_peer_was_unavailable(servicer, stub):
    async def second_time_lucky():
        if servicer.calls == 1:
            raise problems.Unavailable

    servicer.behave = second_time_lucky
    await stub.ListWorkflows(REQUEST, timeout=2)

    assert servicer.calls == 2


async def test_a_token_is_asked_for_when_there_is_one(servicer):
    async def fine():
        return None

    servicer.behave = fine

    def add(server):
        rpc.add_IngestionServiceServicer_to_server(servicer, server)

    async with serving(Settings(service_token="t0ken"), SERVICE.full_name, add) as address:
        async with channel(address, SERVICE, PeerSettings()) as without:
            with pytest.raises(problems.Unauthenticated), telling_problems():
                await rpc.IngestionServiceStub(without).ListWorkflows(REQUEST, timeout=2)
        async with channel(address, SERVICE, PeerSettings(service_token="t0ken")) as with_it:
            await rpc.IngestionServiceStub(with_it).ListWorkflows(REQUEST, timeout=2)


async def test_a_second_server_on_the_port_is_refused_by_name(address, servicer):
    port = int(address.rpartition(":")[2])

    with pytest.raises(PortTaken, match=f"{port}"):
        async with serving(Settings(port=port), SERVICE.full_name, lambda _: None):
            pass
