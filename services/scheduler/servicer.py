"""The door: one method for each rpc, in the contract's order."""
# ruff: noqa: ARG002  gRPC passes a context; what is known of a call is in libs.rpc.call

from collections.abc import AsyncIterator

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.contracts.scheduler.v1 import scheduler_pb2_grpc as rpc
from libs.rpc import Context
from libs.rpc.times import timestamp
from services.scheduler.actions.cancelling import Cancelling
from services.scheduler.actions.comparing import Comparing
from services.scheduler.actions.connecting import Connecting
from services.scheduler.actions.explaining import Explaining
from services.scheduler.actions.listing import Listing
from services.scheduler.actions.living import Living
from services.scheduler.actions.removing import Removing
from services.scheduler.actions.schedules import Schedules
from services.scheduler.actions.starting import Starting
from services.scheduler.actions.status import Status
from services.scheduler.actions.uploading import Uploading
from services.scheduler.actions.watching import Watching
from services.scheduler.domain.rules import RULES
from services.scheduler.domain.upload import understood
from services.scheduler.translate import (
    connections,
    explanations,
    findings,
    requests,
    responses,
    workflows,
)
from services.scheduler.translate.workflows import Upload


class SchedulerServicer(rpc.SchedulerServiceServicer):
    """Translates, acts, translates."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        starting: Starting,
        cancelling: Cancelling,
        watching: Watching,
        explaining: Explaining,
        listing: Listing,
        living: Living,
        comparing: Comparing,
        connecting: Connecting,
        uploading: Uploading,
        status: Status,
        removing: Removing,
    ) -> None:
        self._schedules = schedules
        self._starting = starting
        self._cancelling = cancelling
        self._watching = watching
        self._explaining = explaining
        self._listing = listing
        self._living = living
        self._comparing = comparing
        self._connecting = connecting
        self._uploading = uploading
        self._status = status
        self._removing = removing

    async def GetSchedule(
        self, request: pb.GetScheduleRequest, context: Context
    ) -> pb.GetScheduleResponse:
        found = await self._schedules.get(requests.location_from(request))
        return pb.GetScheduleResponse(
            schedule=responses.schedule_to(found.schedule, found.next_runs)
        )

    async def UpsertSchedule(
        self, request: pb.UpsertScheduleRequest, context: Context
    ) -> pb.UpsertScheduleResponse:
        saved, created = await self._schedules.upsert(
            requests.location_from(request.schedule),
            requests.values_from(request),
            version=requests.version_from(request),
            actor=requests.actor_from(request),
        )
        return pb.UpsertScheduleResponse(
            schedule=responses.schedule_to(saved.schedule, saved.next_runs), created=created
        )

    async def DeleteSchedule(
        self, request: pb.DeleteScheduleRequest, context: Context
    ) -> pb.DeleteScheduleResponse:
        await self._schedules.delete(
            requests.location_from(request), actor=requests.actor_from(request)
        )
        return pb.DeleteScheduleResponse()

    async def PauseSchedule(
        self, request: pb.PauseScheduleRequest, context: Context
    ) -> pb.PauseScheduleResponse:
        paused = await self._schedules.switch(
            requests.location_from(request),
            enabled=False,
            actor=requests.actor_from(request),
            reason=requests.reason_from(request),
        )
        return pb.PauseScheduleResponse(
            schedule=responses.schedule_to(paused.schedule, paused.next_runs)
        )

    async def ResumeSchedule(
        self, request: pb.ResumeScheduleRequest, context: Context
    ) -> pb.ResumeScheduleResponse:
        resumed = await self._schedules.switch(
            requests.location_from(request),
            enabled=True,
            actor=requests.actor_from(request),
            reason=requests.reason_from(request),
        )
        return pb.ResumeScheduleResponse(
            schedule=responses.schedule_to(resumed.schedule, resumed.next_runs)
        )

    async def PreviewSchedule(
        self, request: pb.PreviewScheduleRequest, context: Context
    ) -> pb.PreviewScheduleResponse:
        planned, count = requests.planned_from(request), requests.count_from(request)
        runs = await self._schedules.preview(planned, count)
        return pb.PreviewScheduleResponse(runs=[responses.planned_run_to(each) for each in runs])

    async def RunScan(self, request: pb.RunScanRequest, context: Context) -> pb.RunScanResponse:
        started = await self._starting.run(
            requests.location_from(request),
            requests.asked_from(request),
            key=requests.key_from(request),
        )
        return pb.RunScanResponse(
            scan_id=started.scan.scan_id,
            already_running=started.already_running,
            scan=responses.scan_to(started.scan),
            replayed=started.replayed,
            counts_as=timestamp(started.counts_as),
        )

    async def CancelScan(
        self, request: pb.CancelScanRequest, context: Context
    ) -> pb.CancelScanResponse:
        cancelled = await self._cancelling.cancel(
            requests.location_from(request),
            requests.scan_from(request),
            actor=requests.actor_from(request),
            reason=requests.reason_from(request),
        )
        return pb.CancelScanResponse(scan=responses.scan_to(cancelled))

    async def WatchScan(
        self, request: pb.WatchScanRequest, context: Context
    ) -> AsyncIterator[pb.WatchScanResponse]:
        location_id, scan_id = requests.location_from(request), requests.scan_from(request)
        async for each in self._watching.watch(location_id, scan_id):
            yield pb.WatchScanResponse(scan=responses.scan_to(each))

    async def ExplainFire(
        self, request: pb.ExplainFireRequest, context: Context
    ) -> pb.ExplainFireResponse:
        explained = await self._explaining.explain(
            requests.location_from(request), requests.at_from(request)
        )
        return explanations.explanation_to(
            outcome=explained.outcome,
            text=explained.text,
            scheduled_for=explained.scheduled_for,
            scan=explained.scan,
            change=explained.change,
        )

    async def GetScan(self, request: pb.GetScanRequest, context: Context) -> pb.GetScanResponse:
        location_id, scan_id = requests.location_from(request), requests.scan_from(request)
        scan = await self._listing.scan(location_id, scan_id)
        return pb.GetScanResponse(scan=responses.scan_to(scan))

    async def ListScans(
        self, request: pb.ListScansRequest, context: Context
    ) -> pb.ListScansResponse:
        page = await self._listing.scans(
            requests.location_from(request),
            requests.status_from(request),
            **requests.page_from(request),
        )
        return pb.ListScansResponse(
            scans=[responses.scan_to(each) for each in page.items],
            next_page_token=page.next_token,
        )

    async def ListFindings(
        self, request: pb.ListFindingsRequest, context: Context
    ) -> pb.ListFindingsResponse:
        page = await self._listing.findings(
            requests.location_from(request),
            requests.scan_or_last_from(request),
            findings.filter_from(request),
            **requests.page_from(request),
        )
        return pb.ListFindingsResponse(
            findings=[findings.finding_to(each) for each in page.items],
            next_page_token=page.next_token,
        )

    async def GetFinding(
        self, request: pb.GetFindingRequest, context: Context
    ) -> pb.GetFindingResponse:
        location_id, finding_id = requests.location_from(request), findings.finding_from(request)
        finding, sightings = await self._living.get(location_id, finding_id)
        return pb.GetFindingResponse(
            finding=findings.finding_to(finding),
            sightings=[findings.finding_to(each) for each in sightings],
        )

    async def IgnoreFinding(
        self, request: pb.IgnoreFindingRequest, context: Context
    ) -> pb.IgnoreFindingResponse:
        ignored = await self._living.ignore(
            requests.location_from(request),
            findings.finding_from(request),
            findings.ignoring_from(request),
        )
        return pb.IgnoreFindingResponse(finding=findings.finding_to(ignored))

    async def UnignoreFinding(
        self, request: pb.UnignoreFindingRequest, context: Context
    ) -> pb.UnignoreFindingResponse:
        location_id, finding_id = requests.location_from(request), findings.finding_from(request)
        finding = await self._living.unignore(location_id, finding_id)
        return pb.UnignoreFindingResponse(finding=findings.finding_to(finding))

    async def CompareScans(
        self, request: pb.CompareScansRequest, context: Context
    ) -> pb.CompareScansResponse:
        difference = await self._comparing.compare(
            requests.location_from(request),
            requests.scan_or_last_from(request),
            findings.baseline_from(request),
        )
        return findings.difference_to(difference)

    async def ListRules(
        self, request: pb.ListRulesRequest, context: Context
    ) -> pb.ListRulesResponse:
        return findings.rules_to(RULES)

    async def ListScanResults(
        self, request: pb.ListScanResultsRequest, context: Context
    ) -> pb.ListScanResultsResponse:
        page = await self._listing.results(
            requests.location_from(request),
            requests.scan_or_last_from(request),
            **requests.page_from(request),
        )
        return pb.ListScanResultsResponse(
            results=[responses.result_to(each) for each in page.items],
            next_page_token=page.next_token,
        )

    async def GetSchedulerStatus(
        self, request: pb.GetSchedulerStatusRequest, context: Context
    ) -> pb.GetSchedulerStatusResponse:
        found = await self._status.get()
        return responses.status_to(
            state=found.state,
            reason=found.reason,
            replicas=found.replicas,
            oldest_due_age=found.oldest_due_age,
            workload=found.workload,
        )

    async def DeleteLocation(
        self, request: pb.DeleteLocationRequest, context: Context
    ) -> pb.DeleteLocationResponse:
        deleted = await self._removing.remove(requests.location_from(request))
        return pb.DeleteLocationResponse(deleted_count=deleted)

    async def ConnectLocation(
        self, request: pb.ConnectLocationRequest, context: Context
    ) -> pb.ConnectLocationResponse:
        connected = await self._connecting.connect(
            requests.location_from(request),
            connections.token_from(request),
            actor=requests.actor_from(request),
        )
        return connections.connected_to(connected)

    async def DisconnectLocation(
        self, request: pb.DisconnectLocationRequest, context: Context
    ) -> pb.DisconnectLocationResponse:
        actor = requests.actor_from(request)
        await self._connecting.disconnect(requests.location_from(request), actor=actor)
        return pb.DisconnectLocationResponse()

    async def GetConnection(
        self, request: pb.GetConnectionRequest, context: Context
    ) -> pb.GetConnectionResponse:
        connection = await self._connecting.get(requests.location_from(request))
        return pb.GetConnectionResponse(connection=connections.connection_to(connection))

    async def UploadWorkflowDefinition(
        self, request: pb.UploadWorkflowDefinitionRequest, context: Context
    ) -> pb.UploadWorkflowDefinitionResponse:
        uploaded = await self._uploading.upload(
            requests.location_from(request),
            workflows.workflow_from(request),
            understood(request.content),
            actor=requests.actor_from(request),
        )
        return pb.UploadWorkflowDefinitionResponse(definition=workflows.uploaded_to(uploaded))

    async def UploadWorkflowDefinitions(
        self,
        request_iterator: AsyncIterator[pb.UploadWorkflowDefinitionsRequest],
        context: Context,
    ) -> pb.UploadWorkflowDefinitionsResponse:
        response = pb.UploadWorkflowDefinitionsResponse()
        async for each in workflows.uploads_from(request_iterator):
            if isinstance(each, Upload):
                uploaded = await self._uploading.upload(
                    each.location_id, each.workflow_id, each.understood, actor=each.actor
                )
                workflows.take(response, uploaded)
            else:
                workflows.reject(response, each)
        return response

    async def ListWorkflowSnapshots(
        self, request: pb.ListWorkflowSnapshotsRequest, context: Context
    ) -> pb.ListWorkflowSnapshotsResponse:
        page = await self._listing.snapshots(
            requests.location_from(request), **requests.page_from(request)
        )
        return pb.ListWorkflowSnapshotsResponse(
            snapshots=[workflows.snapshot_to(each) for each in page.items],
            next_page_token=page.next_token,
        )

    async def ListWorkflowChanges(
        self, request: pb.ListWorkflowChangesRequest, context: Context
    ) -> pb.ListWorkflowChangesResponse:
        page = await self._listing.workflow_changes(
            requests.location_from(request),
            workflows.wanted_workflow_from(request),
            **requests.page_from(request),
        )
        return pb.ListWorkflowChangesResponse(
            changes=[workflows.change_to(each) for each in page.items],
            next_page_token=page.next_token,
        )
