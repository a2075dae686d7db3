"""Workflows as GoHighLevel shows them: what is known, what changed, and their definitions."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request

from gateway.payloads.lines import LineTooLong, lines
from gateway.rest.changes import Changes
from gateway.rest.models.definitions import (
    DEFINITION,
    DEFINITIONS,
    RejectedDefinition,
    UploadedDefinition,
    UploadedDefinitions,
    WorkflowChange,
    WorkflowSnapshot,
)
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.models.transfers import NDJSON
from gateway.rest.openapi import told
from gateway.rest.problems import ContentTypeNotJson, ContentTypeNotLines
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadLocation, Who, WriteLocation
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

router = APIRouter(prefix="/api/workflows", tags=["Workflows"], route_class=KeyedRoute)

LARGEST_DEFINITION = 2 * 1024 * 1024
UPLOAD_SECONDS = 600.0
MOST_REJECTED = 100


@router.get("/snapshots")
async def list_snapshots(
    back: Back, location_id: ReadLocation, page: PageAsked
) -> Page[WorkflowSnapshot]:
    """Lists the workflows of a location as GoHighLevel's list last showed them, by id."""
    request = pb.ListWorkflowSnapshotsRequest(
        location_id=location_id, page_size=page.size, page_token=page.token
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListWorkflowSnapshots(
            request, timeout=back.seconds
        )
    return page_of(WorkflowSnapshot, response.snapshots, response.next_page_token)


@router.get("/changes")
async def list_changes(
    back: Back, location_id: ReadLocation, page: PageAsked
) -> Page[WorkflowChange]:
    """Lists how the workflows of a location changed in GoHighLevel, newest first."""
    return await list_changes_of_workflow(back, location_id, page, "")


@router.get("/{workflow_id}/changes")
async def list_changes_of_workflow(
    back: Back, location_id: ReadLocation, page: PageAsked, workflow_id: str
) -> Page[WorkflowChange]:
    """Lists how the name, status and version of one workflow changed, newest first."""
    request = pb.ListWorkflowChangesRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        page_size=page.size,
        page_token=page.token,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.ListWorkflowChanges(request, timeout=back.seconds)
    return page_of(WorkflowChange, response.changes, response.next_page_token)


@router.put("/{workflow_id}/definition", openapi_extra={"requestBody": DEFINITION})
async def upload_definition(
    *,
    request: Request,
    back: Back,
    location_id: WriteLocation,
    who: Who,
    changes: Changes,
    workflow_id: str,
) -> UploadedDefinition:
    """Keeps the definition of a workflow as its builder exports it: JSON of at most 2 MiB.

    Scans judge it where GoHighLevel does not give them the definition.
    """
    if _media_type(request) != "application/json":
        raise ContentTypeNotJson
    upload = pb.UploadWorkflowDefinitionRequest(
        location_id=location_id,
        workflow_id=workflow_id,
        content=await request.body(),
        actor=who.name,
    )
    with back.asking("scheduler"):
        response = await back.services.scheduler.UploadWorkflowDefinition(
            upload, timeout=back.seconds
        )
    await changes.note("workflow.definition_uploaded", workflow_id, location_id)
    return UploadedDefinition.of(response.definition)


@router.post("/definitions", openapi_extra={"requestBody": DEFINITIONS}, responses=told(415))
async def upload_definitions(
    request: Request, back: Back, location_id: WriteLocation, who: Who, changes: Changes
) -> UploadedDefinitions:
    """Keeps many definitions out of NDJSON, one a line with its `id`; up to 100 MiB in all.

    What is wrong with a line is told with its number, and the others are kept.
    The same file again changes nothing.
    """
    if _media_type(request) != NDJSON:
        raise ContentTypeNotLines
    sending = _Sending(request, location_id, who.name)
    with back.asking("scheduler"):
        response = await back.services.scheduler.UploadWorkflowDefinitions(
            sending.messages(), timeout=UPLOAD_SECONDS
        )
    if sending.broke_off is not None:
        raise sending.broke_off
    await changes.note("workflow.definitions_uploaded", str(response.accepted_count), location_id)
    return sending.told(response)


class _Sending:
    """The lines of one file, on their way to the scheduler."""

    def __init__(self, request: Request, location_id: str, actor: str) -> None:
        self._request = request
        self._first = pb.UploadWorkflowDefinitionsRequest(location_id=location_id, actor=actor)
        self._too_long: list[RejectedDefinition] = []
        self.broke_off: Exception | None = None
        """Why not all lines came; gRPC would only say that the call was cancelled."""

    async def messages(self) -> AsyncIterator[pb.UploadWorkflowDefinitionsRequest]:
        message = self._first
        try:
            async for number, line in lines(self._request.stream(), LARGEST_DEFINITION):
                if isinstance(line, LineTooLong):
                    self._reject(number, line)
                elif line.strip():
                    message.number, message.content = number, line.strip()
                    yield message
                    message = pb.UploadWorkflowDefinitionsRequest()
        except Exception as error:  # noqa: BLE001  it is raised when the call has ended
            self.broke_off = error

    def told(self, response: pb.UploadWorkflowDefinitionsResponse) -> UploadedDefinitions:
        """Gives what became of all lines, in their order."""
        there = [
            RejectedDefinition(
                line=each.number,
                workflow_id=each.workflow_id or None,
                reason=each.reason,
                detail=each.message,
            )
            for each in response.rejected
        ]
        in_order = sorted([*self._too_long, *there], key=lambda each: each.line)
        return UploadedDefinitions(
            accepted=response.accepted_count,
            unchanged=response.unchanged_count,
            rejected=response.rejected_count + len(self._too_long),
            rejected_lines=in_order[:MOST_REJECTED],
        )

    def _reject(self, line: int, problem: LineTooLong) -> None:
        self._too_long.append(
            RejectedDefinition(
                line=line, workflow_id=None, reason=problem.reason, detail=problem.message
            )
        )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
