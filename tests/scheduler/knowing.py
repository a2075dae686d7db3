"""Short ways to connect a location, and to tell a scheduler of its workflows."""

import json

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from tests.scheduler.asking import LOCATION, SECONDS
from tests.support.ghl import StandInGhl
from tests.support.ghl_agency import a_trigger, a_workflow, in_a_row, sms, wait

HEALTHY = in_a_row(
    sms("s1", "Thanks for asking! Reply STOP to opt out."), wait("s2", 4), sms("s3", "Still there?")
)
EMPTY_WAIT = in_a_row(wait("s1", ""), sms("s2", "See you tomorrow! Reply STOP to opt out."))
"""Steps with one fault: GHL222."""


def workflow(workflow_id: str, steps=HEALTHY, **known) -> dict:
    """Gives a workflow as the stand-in keeps it, started by a tag of its own."""
    trigger = a_trigger("contact_tag", "tags", f"start-{workflow_id}")
    return a_workflow(
        workflow_id, f"About {workflow_id}", triggers=[trigger], actions=steps, **known
    )


def has(ghl: StandInGhl, *workflows: dict, location: str = LOCATION, api: bool = True) -> None:
    """Lets a location of the stand-in have these workflows, and the tags that start them."""
    known = ghl.agency.locations[location]
    known.workflow_api = api
    known.workflows[:] = workflows
    known.lists["tags"] = [
        {"id": f"tag-{each['id']}", "name": f"start-{each['id']}"} for each in workflows
    ]


async def connect(stub, location: str = LOCATION, **fields) -> pb.ConnectLocationResponse:
    request = pb.ConnectLocationRequest(location_id=location, **fields)
    return await stub.ConnectLocation(request, timeout=SECONDS)


async def connected(stub, ghl: StandInGhl, location: str = LOCATION, **token) -> str:
    """Connects a location with a private token that may read everything; gives the token."""
    value = ghl.agency.private_token(location, **token)
    await connect(stub, location, private_token=value, actor="key of ops")
    return value


async def connection(stub, location: str = LOCATION) -> pb.Connection:
    request = pb.GetConnectionRequest(location_id=location)
    return (await stub.GetConnection(request, timeout=SECONDS)).connection


async def upload(stub, content, workflow_id: str = "wf-1", **fields) -> pb.UploadedDefinition:
    """Uploads a definition, given as a value or as bytes."""
    request = pb.UploadWorkflowDefinitionRequest(
        workflow_id=workflow_id,
        content=content if isinstance(content, bytes) else json.dumps(content).encode(),
        **{"location_id": LOCATION} | fields,
    )
    return (await stub.UploadWorkflowDefinition(request, timeout=SECONDS)).definition


async def snapshots(stub, location: str = LOCATION, **fields) -> list[pb.WorkflowSnapshot]:
    request = pb.ListWorkflowSnapshotsRequest(location_id=location, **fields)
    return list((await stub.ListWorkflowSnapshots(request, timeout=SECONDS)).snapshots)


async def changes(stub, location: str = LOCATION, **fields) -> list[pb.WorkflowChange]:
    request = pb.ListWorkflowChangesRequest(location_id=location, **fields)
    return list((await stub.ListWorkflowChanges(request, timeout=SECONDS)).changes)


async def results(stub) -> dict[str, pb.WorkflowResult]:
    """Gives what the last completed scan says of each workflow."""
    request = pb.ListScanResultsRequest(location_id=LOCATION)
    found = (await stub.ListScanResults(request, timeout=SECONDS)).results
    return {each.workflow.workflow_id: each for each in found}


async def found_rules(stub, **fields) -> set[tuple[str, str]]:
    """Gives the rules that the last completed scan found, each with its workflow."""
    request = pb.ListFindingsRequest(location_id=LOCATION, **fields)
    response = await stub.ListFindings(request, timeout=SECONDS)
    return {(each.rule_id, each.workflow_id) for each in response.findings}
