"""Workflows: which there are, how they are, and how long their runs may take."""

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.rest.changes import Changes
from gateway.rest.models.executions import Workflow
from gateway.rest.models.shapes import Page, page_of
from gateway.rest.models.workflows import WorkflowBody
from gateway.rest.openapi import told
from gateway.rest.problems import NothingToChange
from gateway.rest.routes import Back, KeyedRoute, PageAsked, ReadLocation, WriteLocation
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

router = APIRouter(prefix="/api/workflows", tags=["Executions"], route_class=KeyedRoute)


@router.get("")
async def list_workflows(back: Back, location_id: ReadLocation, page: PageAsked) -> Page[Workflow]:
    """Lists the workflows of a location, by workflow id."""
    request = pb.ListWorkflowsRequest(
        location_id=location_id, page_size=page.size, page_token=page.token
    )
    with back.asking("ingestion"):
        response = await back.services.ingestion.ListWorkflows(request, timeout=back.seconds)
    return page_of(Workflow, response.workflows, response.next_page_token)


@router.get("/{workflow_id}", responses=told(404))
async def get_workflow(back: Back, location_id: ReadLocation, workflow_id: str) -> Workflow:
    """Gets one workflow, and how it has been lately."""
    request = pb.GetWorkflowRequest(location_id=location_id, workflow_id=workflow_id)
    with back.asking("ingestion"):
        response = await back.services.ingestion.GetWorkflow(request, timeout=back.seconds)
    return Workflow.of(response.workflow)


@router.patch("/{workflow_id}", responses=told(404))
async def change_workflow(
    back: Back, location_id: WriteLocation, changes: Changes, workflow_id: str, body: WorkflowBody
) -> Workflow:
    """Changes what we do with a workflow: a field not given is kept, null clears it."""
    if not body.model_fields_set:
        raise NothingToChange
    request = pb.UpdateWorkflowRequest(
        workflow=body.message(location_id, workflow_id),
        update_mask=FieldMask(paths=sorted(body.model_fields_set)),
    )
    with back.asking("ingestion"):
        changed = await back.services.ingestion.UpdateWorkflow(request, timeout=back.seconds)
    await changes.note("workflow.changed", workflow_id, location_id)
    return Workflow.of(changed.workflow)
