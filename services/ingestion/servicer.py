"""The door: one method for each rpc, in the contract's order."""
# ruff: noqa: ARG002  gRPC passes a context; what is known of a call is in libs.rpc.call

from collections.abc import AsyncIterator
from datetime import timedelta

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc import Context
from services.ingestion.actions.analysing import Analysing
from services.ingestion.actions.forgetting import Forgetting
from services.ingestion.actions.importing import Importing
from services.ingestion.actions.learning import Learning
from services.ingestion.actions.listing import Listing
from services.ingestion.actions.measuring import Measuring
from services.ingestion.actions.noticing import Noticing
from services.ingestion.actions.recording import Recording
from services.ingestion.actions.removing import Removing
from services.ingestion.actions.replaying import Replaying
from services.ingestion.actions.reporting import Reporting
from services.ingestion.actions.watching import Watching
from services.ingestion.domain.tail import place_of
from services.ingestion.translate import analyses, gaps, requests, responses, transfers

FAILURES_WINDOW = timedelta(hours=24)
METRICS_WINDOW = timedelta(days=30)
ERRORS_WINDOW = timedelta(days=7)
TIMELINE_WINDOW = timedelta(hours=24)


class IngestionServicer(rpc.IngestionServiceServicer):
    """Translates, acts, translates."""

    def __init__(
        self,
        *,
        recording: Recording,
        replaying: Replaying,
        listing: Listing,
        measuring: Measuring,
        analysing: Analysing,
        importing: Importing,
        watching: Watching,
        learning: Learning,
        forgetting: Forgetting,
        removing: Removing,
        reporting: Reporting,
        noticing: Noticing,
    ) -> None:
        self._recording = recording
        self._replaying = replaying
        self._listing = listing
        self._measuring = measuring
        self._analysing = analysing
        self._importing = importing
        self._watching = watching
        self._learning = learning
        self._forgetting = forgetting
        self._removing = removing
        self._reporting = reporting
        self._noticing = noticing

    async def RecordExecutions(
        self, request: pb.RecordExecutionsRequest, context: Context
    ) -> pb.RecordExecutionsResponse:
        results = await self._recording.record(requests.items_from(request))
        return responses.recorded(results)

    async def RecordBatches(
        self, request_iterator: AsyncIterator[pb.RecordBatchesRequest], context: Context
    ) -> AsyncIterator[pb.RecordBatchesResponse]:
        async for request in request_iterator:
            results = await self._recording.record(requests.items_from(request))
            yield responses.batch_recorded(results)

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
        top = requests.top_from(request)
        return analyses.metrics(await self._measuring.metrics(workflow, window, top=top))

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
        found = await self._listing.workflows(location_id, page)
        return responses.workflows(await self._measuring.healths(found))

    async def ListQuarantined(
        self, request: pb.ListQuarantinedRequest, context: Context
    ) -> pb.ListQuarantinedResponse:
        location_id, page = requests.location_from(request), requests.page_from(request)
        return responses.quarantined(await self._listing.quarantined(location_id, page))

    async def GetQuarantined(
        self, request: pb.GetQuarantinedRequest, context: Context
    ) -> pb.GetQuarantinedResponse:
        location_id = requests.location_from(request)
        return responses.opened(await self._replaying.opened(location_id, request.quarantine_id))

    async def ReplayQuarantined(
        self, request: pb.ReplayQuarantinedRequest, context: Context
    ) -> pb.ReplayQuarantinedResponse:
        run = requests.run_from(request.execution)
        return responses.replayed(await self._replaying.replay(request.quarantine_id, run))

    async def GetExecution(
        self, request: pb.GetExecutionRequest, context: Context
    ) -> pb.GetExecutionResponse:
        location_id = requests.location_from(request)
        return responses.execution(await self._listing.execution(location_id, request.execution_id))

    async def ListErrorGroups(
        self, request: pb.ListErrorGroupsRequest, context: Context
    ) -> pb.ListErrorGroupsResponse:
        scope, bucket = requests.scope_from(request), requests.bucket_from(request)
        window = requests.window_from(request, default=ERRORS_WINDOW)
        most = requests.most_from(request)
        found = await self._analysing.error_groups(scope, window, bucket, most=most)
        return analyses.error_groups(found)

    async def ListFailingSteps(
        self, request: pb.ListFailingStepsRequest, context: Context
    ) -> pb.ListFailingStepsResponse:
        scope, most = requests.scope_from(request), requests.most_from(request)
        window = requests.window_from(request, default=ERRORS_WINDOW)
        return analyses.failing_steps(await self._analysing.failing_steps(scope, window, most=most))

    async def GetExecutionTimeline(
        self, request: pb.GetExecutionTimelineRequest, context: Context
    ) -> pb.GetExecutionTimelineResponse:
        scope, bucket = requests.scope_from(request), requests.bucket_from(request)
        window = requests.window_from(request, default=TIMELINE_WINDOW)
        return analyses.timeline(await self._analysing.timeline(scope, window, bucket))

    async def BatchGetWorkflowMetrics(
        self, request: pb.BatchGetWorkflowMetricsRequest, context: Context
    ) -> pb.BatchGetWorkflowMetricsResponse:
        location_id = requests.location_from(request)
        workflow_ids = requests.workflow_ids_from(request)
        window = requests.window_from(request, default=METRICS_WINDOW)
        return responses.metrics_of_many(
            await self._measuring.metrics_of_many(location_id, workflow_ids, window)
        )

    async def BacktestThreshold(
        self, request: pb.BacktestThresholdRequest, context: Context
    ) -> pb.BacktestThresholdResponse:
        workflow = requests.workflow_from(request)
        failures, hours = requests.trial_from(request)
        period = requests.window_from(request, default=METRICS_WINDOW)
        return analyses.backtest(
            await self._analysing.backtest(workflow, period, failures=failures, hours=hours)
        )

    async def ExportExecutions(
        self, request: pb.ExportExecutionsRequest, context: Context
    ) -> AsyncIterator[pb.ExportExecutionsResponse]:
        async for portion in self._listing.export(requests.filter_from(request)):
            yield transfers.exported(portion)

    async def ImportExecutions(
        self, request_iterator: AsyncIterator[pb.ImportExecutionsRequest], context: Context
    ) -> pb.ImportExecutionsResponse:
        portions = (transfers.portion_from(each) async for each in request_iterator)
        return transfers.imported(await self._importing.take(portions))

    async def WatchExecutions(
        self, request: pb.WatchExecutionsRequest, context: Context
    ) -> AsyncIterator[pb.WatchExecutionsResponse]:
        interest, place = requests.interest_from(request), place_of(request.cursor)
        async for each in self._watching.watch(interest, place):
            yield transfers.arrived(each)

    async def ReportWorkflows(
        self, request: pb.ReportWorkflowsRequest, context: Context
    ) -> pb.ReportWorkflowsResponse:
        location_id, states = requests.location_from(request), requests.states_from(request)
        changed = await self._learning.learn(location_id, states)
        return pb.ReportWorkflowsResponse(changed_count=changed)

    async def ForgetContact(
        self, request: pb.ForgetContactRequest, context: Context
    ) -> pb.ForgetContactResponse:
        location_id, contact_id = requests.location_from(request), requests.contact_from(request)
        forgotten = await self._forgetting.forget(location_id, contact_id)
        return responses.forgotten(forgotten)

    async def GetWorkflow(
        self, request: pb.GetWorkflowRequest, context: Context
    ) -> pb.GetWorkflowResponse:
        workflow = requests.workflow_from(request)
        return pb.GetWorkflowResponse(
            workflow=responses.workflow(await self._measuring.health(workflow))
        )

    async def UpdateWorkflow(
        self, request: pb.UpdateWorkflowRequest, context: Context
    ) -> pb.UpdateWorkflowResponse:
        workflow, hours = requests.run_limit_from(request)
        await self._learning.set_run_limit(workflow, hours)
        return pb.UpdateWorkflowResponse(
            workflow=responses.workflow(await self._measuring.health(workflow))
        )

    async def DeleteLocation(
        self, request: pb.DeleteLocationRequest, context: Context
    ) -> pb.DeleteLocationResponse:
        deleted = await self._removing.remove(requests.location_from(request))
        return pb.DeleteLocationResponse(deleted_count=deleted)

    async def GetIngestionStatus(
        self, request: pb.GetIngestionStatusRequest, context: Context
    ) -> pb.GetIngestionStatusResponse:
        return responses.status(await self._reporting.status())

    async def KeepDoorOpen(
        self, request: pb.KeepDoorOpenRequest, context: Context
    ) -> pb.KeepDoorOpenResponse:
        return gaps.kept_open(await self._noticing.keep_open())

    async def ListRecordingGaps(
        self, request: pb.ListRecordingGapsRequest, context: Context
    ) -> pb.ListRecordingGapsResponse:
        location_id, page = requests.counted_from(request), requests.page_from(request)
        return gaps.listed(await self._listing.gaps(location_id, page))
