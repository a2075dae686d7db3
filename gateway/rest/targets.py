"""Where alerts go: the targets of a location."""

from fastapi import APIRouter, status
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.rest.changes import Changes
from gateway.rest.models.targets import (
    EnableBody,
    EnabledTarget,
    NewTargetBody,
    Target,
    TargetBody,
    Targets,
    TargetWithSecret,
    VerifiedTarget,
)
from gateway.rest.openapi import told
from gateway.rest.problems import NothingToChange
from gateway.rest.routes import Back, KeyedRoute, ReadReach, WriteReach
from libs.contracts.notifier.v1 import notifier_pb2 as pb

router = APIRouter(prefix="/api/targets", tags=["Targets"], route_class=KeyedRoute)

TEST_SECONDS = 30.0
"""A test waits for mail servers and webhooks of other people."""


@router.get("")
async def list_targets(back: Back, location_id: ReadReach) -> Targets:
    """Lists where alerts go: what the settings say first, then the oldest."""
    request = pb.ListTargetsRequest(location_id=location_id, installation=not location_id)
    with back.asking("notifier"):
        response = await back.services.notifier.ListTargets(request, timeout=back.seconds)
    return Targets(items=[Target.of(each) for each in response.targets])


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_target(
    back: Back, location_id: WriteReach, changes: Changes, body: NewTargetBody
) -> TargetWithSecret:
    """Adds a target; it is active at once. The secret of a webhook is only in this answer."""
    target = body.message(location_id, channel=body.channel)
    with back.asking("notifier"):
        made = await back.services.notifier.UpsertTarget(
            pb.UpsertTargetRequest(target=target, installation=not location_id),
            timeout=back.seconds,
        )
    await changes.note("target.created", made.target.target_id, location_id or None)
    return TargetWithSecret.of(made.target, webhook_secret=made.webhook_secret or None)


@router.patch("/{target_id}", responses=told(404))
async def change_target(
    back: Back, location_id: WriteReach, changes: Changes, target_id: str, body: TargetBody
) -> Target:
    """Changes a target: a field not given is kept, null clears it."""
    if not body.model_fields_set:
        raise NothingToChange
    request = pb.UpsertTargetRequest(
        target=body.message(location_id, target_id=target_id),
        update_mask=FieldMask(paths=sorted(body.model_fields_set)),
        installation=not location_id,
    )
    with back.asking("notifier"):
        changed = await back.services.notifier.UpsertTarget(request, timeout=back.seconds)
    await changes.note("target.changed", target_id, location_id or None)
    return Target.of(changed.target)


@router.delete("/{target_id}", status_code=status.HTTP_204_NO_CONTENT, responses=told(404))
async def delete_target(
    back: Back, location_id: WriteReach, changes: Changes, target_id: str
) -> None:
    """Deletes a target; what waits for it is not sent."""
    request = pb.DeleteTargetRequest(location_id=location_id, target_id=target_id)
    with back.asking("notifier"):
        await back.services.notifier.DeleteTarget(request, timeout=back.seconds)
    await changes.note("target.deleted", target_id, location_id or None)


@router.post("/{target_id}/verify", responses=told(404))
async def verify_target(
    back: Back, location_id: WriteReach, changes: Changes, target_id: str
) -> VerifiedTarget:
    """Sends a test to one target, says what became of it, and remembers when it arrived."""
    request = pb.VerifyTargetRequest(location_id=location_id, target_id=target_id)
    with back.asking("notifier"):
        response = await back.services.notifier.VerifyTarget(request, timeout=TEST_SECONDS)
    await changes.note("target.verified", target_id, location_id or None)
    return VerifiedTarget.of(response)


@router.post("/{target_id}/enable", responses=told(404))
async def enable_target(
    *,
    back: Back,
    location_id: WriteReach,
    changes: Changes,
    target_id: str,
    body: EnableBody | None = None,
) -> EnabledTarget:
    """Switches a target on again, and sends what it missed if that is wished."""
    request = pb.EnableTargetRequest(
        location_id=location_id, target_id=target_id, replay=body.replay if body else False
    )
    with back.asking("notifier"):
        response = await back.services.notifier.EnableTarget(request, timeout=back.seconds)
    await changes.note("target.enabled", target_id, location_id or None)
    return EnabledTarget.of(response.target, replayed_count=response.replayed_count)


@router.post("/{target_id}/rotate-secret", responses=told(404))
async def rotate_secret(
    back: Back, location_id: WriteReach, changes: Changes, target_id: str
) -> TargetWithSecret:
    """Gives a webhook a new secret; for 24 hours the one before signs as well."""
    request = pb.RotateSecretRequest(location_id=location_id, target_id=target_id)
    with back.asking("notifier"):
        response = await back.services.notifier.RotateSecret(request, timeout=back.seconds)
    await changes.note("target.secret_rotated", target_id, location_id or None)
    return TargetWithSecret.of(response.target, webhook_secret=response.webhook_secret)
