"""A notifier on loopback: takes events in, tells thresholds, and can be away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.rpc.times import timestamp


class FakeNotifier(rpc.NotifierServiceServicer):
    """Remembers each event once, as the real one does."""

    def __init__(self) -> None:
        self._events: dict[str, pb.Event] = {}
        self._settings: dict[tuple[str, str], pb.EffectiveSettings] = {}
        self.page_size = 500
        self.defaults = {"failures": 3, "hours": 24}
        self.away = False
        self.refused_workflows: set[str] = set()
        self.changes_asked_since: list[datetime | None] = []

    def events(self, location_id: str) -> list[pb.Event]:
        """The events of a location, in the order in which they came."""
        return [each for each in self._events.values() if each.location_id == location_id]

    def failing(self, location_id: str) -> list[pb.WorkflowFailing]:
        return [
            each.workflow_failing
            for each in self.events(location_id)
            if each.HasField("workflow_failing")
        ]

    def configure(
        self,
        location_id: str,
        workflow_id: str = "",
        *,
        failures=3,
        hours=24,
        enabled=True,
        changed_ago=timedelta(),
    ) -> None:
        self._settings.pop((location_id, workflow_id), None)
        self._settings[location_id, workflow_id] = pb.EffectiveSettings(
            location_id=location_id,
            workflow_id=workflow_id,
            enabled=enabled,
            failure_threshold=failures,
            time_window_hours=hours,
            updated_at=timestamp(datetime.now(UTC) - changed_ago),
        )

    async def ReportEvents(self, request, context):
        return pb.ReportEventsResponse(results=[self._take(each) for each in request.events])

    async def ListEffectiveSettings(self, request, context):
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        since = request.changed_since if request.HasField("changed_since") else Timestamp()
        self.changes_asked_since.append(since.ToDatetime(UTC) if since.seconds else None)
        changed = [
            each
            for each in self._settings.values()
            if each.updated_at.ToNanoseconds() >= since.ToNanoseconds()
        ]
        start = int(request.page_token or 0)
        end = start + self.page_size
        return pb.ListEffectiveSettingsResponse(
            settings=changed[start:end],
            next_page_token=str(end) if end < len(changed) else "",
            defaults=pb.EffectiveSettings(
                enabled=True,
                failure_threshold=self.defaults["failures"],
                time_window_hours=self.defaults["hours"],
            ),
        )

    def _take(self, event: pb.Event) -> pb.EventResult:
        if event.workflow_failing.workflow_id in self.refused_workflows:
            return pb.EventResult(
                outcome=pb.EventResult.OUTCOME_REJECTED, reason="WORKFLOW_MISSING", message="No."
            )
        if event.event_id in self._events:
            return pb.EventResult(outcome=pb.EventResult.OUTCOME_DUPLICATE)
        self._events[event.event_id] = event
        return pb.EventResult(outcome=pb.EventResult.OUTCOME_ACCEPTED)


@asynccontextmanager
async def answering(notifier: FakeNotifier, address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Lets the notifier answer until the block ends; yields its address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    rpc.add_NotifierServiceServicer_to_server(notifier, server)
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
