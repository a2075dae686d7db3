"""Ingestion and the notifier as small real servers that know what a test told them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc

from libs.contracts.ingestion.v1 import ingestion_pb2, ingestion_pb2_grpc
from libs.contracts.notifier.v1 import notifier_pb2, notifier_pb2_grpc


class FakeIngestion(ingestion_pb2_grpc.IngestionServiceServicer):
    """Answers with the workflows and histories it was given."""

    def __init__(self):
        self.address = ""
        self.workflows = {}
        self.histories = {}
        self.refuses_with = None
        self.refuses_histories_with = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.holds_histories_after = None
        self.released = asyncio.Event()
        self.asked_for = []
        self.calls = 0
        """Calls that it has not answered yet."""
        self.reported = {}
        """What it was told last of each workflow of a location."""

    def knows(self, workflow_id, history=None, *, location="loc-1", name="", ran_at=None):
        """Tells it of a workflow and its runs; gives when it last ran."""
        history = history or ingestion_pb2.RunHistory()
        history.workflow_id = workflow_id
        ran_at = ran_at or datetime.now(UTC)
        if not history.HasField("last_execution_at"):
            history.last_execution_at.FromDatetime(ran_at)
        self.histories[location, workflow_id] = history
        self.workflows[location, workflow_id] = ingestion_pb2.Workflow(
            location_id=location,
            workflow_id=workflow_id,
            name=name,
            last_execution_at=history.last_execution_at,
        )
        return history.last_execution_at.ToDatetime(UTC)

    async def ListWorkflows(self, request, context):
        await self._ready(context)
        rest = [
            workflow
            for (location, workflow_id), workflow in sorted(self.workflows.items())
            if location == request.location_id and workflow_id > request.page_token
        ]
        page = rest[: request.page_size or 50]
        more = len(rest) > len(page)
        return ingestion_pb2.ListWorkflowsResponse(
            workflows=page, next_page_token=page[-1].workflow_id if more else ""
        )

    async def BatchGetRunHistories(self, request, context):
        self.asked_for += request.workflow_ids
        await self._ready(context)
        if self.refuses_histories_with is not None:
            await context.abort(self.refuses_histories_with, "not today")
        if self.holds_histories_after == 0:
            await self.released.wait()
        if self.holds_histories_after is not None:
            self.holds_histories_after -= 1
        assert 1 <= len(request.workflow_ids) <= 500
        return ingestion_pb2.BatchGetRunHistoriesResponse(
            histories=[self._history(request.location_id, each) for each in request.workflow_ids]
        )

    async def ReportWorkflows(self, request, context):
        await self._ready(context)
        assert 1 <= len(request.workflows) <= 500
        told = {(request.location_id, each.workflow_id): each for each in request.workflows}
        self.reported |= told
        return ingestion_pb2.ReportWorkflowsResponse(changed_count=len(told))

    def _history(self, location_id, workflow_id):
        history = ingestion_pb2.RunHistory(workflow_id=workflow_id)
        history.CopyFrom(self.histories.get((location_id, workflow_id), history))
        history.as_of.FromDatetime(datetime.now(UTC))
        return history

    async def _ready(self, context):
        self.calls += 1
        try:
            await self.answers.wait()
        finally:
            self.calls -= 1
        if self.refuses_with is not None:
            await context.abort(self.refuses_with, "not today")


class FakeNotifier(notifier_pb2_grpc.NotifierServiceServicer):
    """Keeps the events it is told, each once."""

    def __init__(self):
        self.address = ""
        self.events = {}
        self.rejects = set()

    def told(self, kind):
        """Gives the events of a kind, in the order they came."""
        return [each for each in self.events.values() if each.WhichOneof("detail") == kind]

    async def ReportEvents(self, request, context):
        return notifier_pb2.ReportEventsResponse(results=[self._take(e) for e in request.events])

    def _take(self, event):
        result = notifier_pb2.EventResult
        if event.WhichOneof("detail") in self.rejects:
            return result(outcome=result.OUTCOME_REJECTED, reason="WORKFLOW_MISSING", message="no")
        if event.event_id in self.events:
            return result(outcome=result.OUTCOME_DUPLICATE)
        self.events[event.event_id] = event
        return result(outcome=result.OUTCOME_ACCEPTED)


@asynccontextmanager
async def served(fake, add) -> AsyncIterator:
    """Serves a fake on loopback until the block ends."""
    server = grpc.aio.server()
    add(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(None)
