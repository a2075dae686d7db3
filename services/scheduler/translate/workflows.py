"""Reads uploads of workflow definitions, and writes what is known of workflows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from libs import problems
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import timestamp
from services.scheduler.domain.upload import (
    KeptDefinition,
    Origin,
    Understood,
    Uploaded,
    understood,
)
from services.scheduler.store.known_workflows import Recalled
from services.scheduler.store.tables import WorkflowChangeRow
from services.scheduler.translate import refusals
from services.scheduler.translate.requests import LONGEST_ID, actor_from, location_from, text

MOST_UPLOADS = 10_000
MOST_REJECTED = 100

ORIGINS = {
    Origin.GHL: pb.KeptDefinition.ORIGIN_GHL,
    Origin.UPLOAD: pb.KeptDefinition.ORIGIN_UPLOAD,
}


@dataclass(frozen=True, slots=True)
class Upload:
    """One definition out of a stream, with whose it is and where it stands."""

    location_id: str
    workflow_id: str
    understood: Understood
    actor: str


Rejected = pb.RejectedDefinition


def workflow_from(
    request: pb.UploadWorkflowDefinitionRequest | pb.UploadWorkflowDefinitionsRequest,
) -> str:
    """Reads which workflow it is about."""
    if not request.workflow_id:
        raise refusals.WorkflowMissing.at("workflow_id")
    return text(request.workflow_id, "workflow_id", LONGEST_ID)


def wanted_workflow_from(request: pb.ListWorkflowChangesRequest) -> str:
    """Reads which workflow's changes are wanted; empty means all."""
    return text(request.workflow_id, "workflow_id", LONGEST_ID)


async def uploads_from(
    requests: AsyncIterator[pb.UploadWorkflowDefinitionsRequest],
) -> AsyncIterator[Upload | Rejected]:
    """Reads the definitions of a stream, one at a time; tells what is wrong with one in its place."""
    location_id, actor, place = "", "", 0
    async for request in requests:
        place += 1
        if place == 1:
            location_id, actor = location_from(request), actor_from(request)
        if request.location_id not in ("", location_id):
            raise refusals.LocationDiffers.at("location_id")
        if place > MOST_UPLOADS:
            raise refusals.TooManyDefinitions
        yield _upload_from(request, location_id, actor, place)


def uploaded_to(uploaded: Uploaded) -> pb.UploadedDefinition:
    """Writes what was understood of an upload."""
    read = uploaded.understood
    triggers = read.definition.triggers
    return pb.UploadedDefinition(
        workflow_id=uploaded.workflow_id,
        name=read.definition.name,
        status=read.definition.status,
        step_count=len(read.definition.steps),
        trigger_count=None if triggers is None else len(triggers),
        unknown_types=read.unknown_types,
        oddities=read.definition.oddities,
        size=len(read.content),
        uploaded_at=timestamp(uploaded.uploaded_at),
        unchanged=uploaded.unchanged,
    )


def take(response: pb.UploadWorkflowDefinitionsResponse, uploaded: Uploaded) -> None:
    """Writes that a definition of a stream is kept."""
    response.accepted_count += 1
    response.unchanged_count += uploaded.unchanged


def reject(response: pb.UploadWorkflowDefinitionsResponse, rejected: Rejected) -> None:
    """Writes that a definition of a stream is not."""
    response.rejected_count += 1
    if len(response.rejected) < MOST_REJECTED:
        response.rejected.append(rejected)


def snapshot_to(recalled: Recalled) -> pb.WorkflowSnapshot:
    """Writes what is known of a workflow."""
    known = recalled.known
    snapshot = pb.WorkflowSnapshot(
        workflow_id=recalled.workflow_id,
        definitions=[_definition_to(each) for each in recalled.definitions],
    )
    if known is None:
        snapshot.name = next((each.name for each in recalled.definitions if each.name), "")
        return snapshot
    listed = known.listed
    snapshot.MergeFrom(
        pb.WorkflowSnapshot(
            name=listed.name,
            status=listed.status,
            version=listed.version,
            created_at=timestamp(listed.created_at),
            updated_at=timestamp(listed.updated_at),
            first_seen_at=timestamp(known.first_seen_at),
            last_seen_at=timestamp(known.last_seen_at),
            vanished_at=timestamp(known.vanished_at),
        )
    )
    return snapshot


def change_to(change: WorkflowChangeRow) -> pb.WorkflowChange:
    """Writes a change of a workflow."""
    return pb.WorkflowChange(
        workflow_id=change.workflow_id,
        kind=pb.WorkflowChange.Kind.Value(f"KIND_{change.kind.upper()}"),
        changed_at=timestamp(change.changed_at),
        name=change.name,
        status=change.status,
        version=change.version,
        previous_name=change.previous_name,
        previous_status=change.previous_status,
        previous_version=change.previous_version,
    )


def _upload_from(
    request: pb.UploadWorkflowDefinitionsRequest, location_id: str, actor: str, place: int
) -> Upload | Rejected:
    workflow_id = request.workflow_id
    try:
        read = understood(request.content)
        workflow_id = request.workflow_id = workflow_id or read.definition.workflow_id
        return Upload(location_id, workflow_from(request), read, actor)
    except problems.InvalidRequest as problem:
        return Rejected(
            number=request.number or place,
            workflow_id=workflow_id[:LONGEST_ID],
            reason=problem.reason,
            message=problem.message,
        )


def _definition_to(definition: KeptDefinition) -> pb.KeptDefinition:
    return pb.KeptDefinition(
        origin=ORIGINS[definition.origin],
        read_at=timestamp(definition.read_at),
        uploaded_by=definition.uploaded_by,
        step_count=definition.step_count,
        size=definition.size,
    )
