"""The door: one method for each rpc, in the contract's order."""
# ruff: noqa: ARG002  gRPC passes a context; what is known of a call is in libs.rpc.call

from datetime import timedelta

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc import Context
from services.ingestion.actions.listing import Listing
from services.ingestion.actions.measuring import Measuring
from services.ingestion.actions.recording import Recording
from services.ingestion.translate import requests, responses

FAILURES_WINDOW = timedelta(hours=24)
METRICS_WINDOW = timedelta(days=30)


class IngestionServicer(rpc.IngestionServiceServicer):
    """Translates, acts, translates."""

    def __init__(self, recording: Recording, listing: Listing, measuring: Measuring) -> None:
        self._recording = recording
        self._listing = listing
        self._measuring = measuring

    async def RecordExecutions(
        self, request: pb.RecordExecutionsRequest, context: Context
    ) -> pb.RecordExecutionsResponse:
        results = await self._recording.record(requests.items_from(request))
        return responses.recorded(results)

    async def ListExecutions(
        self, request: pb.ListExecutionsRequest, context: Context
    ) -> pb.ListExecutionsResponse:
        wanted, page = requests.filter_from(request), requests.page_from(request)
        return responses.executions(await self._listing.executions(wanted, page))

    async def ListRecentFailures(
        self, request: pb.ListRecentFailuresRequest, context: Context
    ) -> pb.ListRecentFailuresResponse:
        workflow, page = requests.workflow_from(request), requests.page_from(request)
        window = requests.window_from(request, default=FAILURES_WINDOW)
        return responses.failures(await self._listing.recent_failures(workflow, window, page))

    async def GetWorkflowMetrics(
        self, request: pb.GetWorkflowMetricsRequest, context: Context
    ) -> pb.GetWorkflowMetricsResponse:
        workflow = requests.workflow_from(request)
        window = requests.window_from(request, default=METRICS_WINDOW)
        return responses.metrics(await self._measuring.metrics(workflow, window))

    async def BatchGetRunHistories(
        self, request: pb.BatchGetRunHistoriesRequest, context: Context
    ) -> pb.BatchGetRunHistoriesResponse:
        location_id = requests.location_from(request)
        workflow_ids = requests.workflow_ids_from(request)
        histories = await self._measuring.run_histories(location_id, workflow_ids)
        return responses.run_histories(histories)

    async def CheckAlertThreshold(
        self, request: pb.CheckAlertThresholdRequest, context: Context
    ) -> pb.CheckAlertThresholdResponse:
        workflow = requests.workflow_from(request)
        failures, hours = requests.trial_from(request)
        tally = await self._measuring.tally(workflow, failures=failures, hours=hours)
        return responses.threshold_checked(tally)

    async def ListWorkflows(
        self, request: pb.ListWorkflowsRequest, context: Context
    ) -> pb.ListWorkflowsResponse:
        location_id, page = requests.location_from(request), requests.page_from(request)
        return responses.workflows(await self._listing.workflows(location_id, page))

    async def ListQuarantined(
        self, request: pb.ListQuarantinedRequest, context: Context
    ) -> pb.ListQuarantinedResponse:
        location_id, page = requests.location_from(request), requests.page_from(request)
        return responses.quarantined(await self._listing.quarantined(location_id, page))
