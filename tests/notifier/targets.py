"""Calls about targets, with everything a test does not care about filled in."""

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import LOCATION, SECONDS


async def add_target(notifier, channel, address, location_id=LOCATION, **wishes):
    """Makes a target; gives the whole answer."""
    target = pb.Target(location_id=location_id, channel=channel, address=address, **wishes)
    request = pb.UpsertTargetRequest(target=target)
    return await notifier.UpsertTarget(request, timeout=SECONDS)


async def change_target(notifier, target_id, location_id=LOCATION, *, mask=None, **wishes):
    """Changes what is given of a target; gives it as it is then."""
    target = pb.Target(location_id=location_id, target_id=target_id, **wishes)
    request = pb.UpsertTargetRequest(target=target)
    request.update_mask.paths.extend(list(wishes) if mask is None else mask)
    return (await notifier.UpsertTarget(request, timeout=SECONDS)).target


async def targets_of(notifier, location_id=LOCATION):
    request = pb.ListTargetsRequest(location_id=location_id)
    return (await notifier.ListTargets(request, timeout=SECONDS)).targets


async def the_target(notifier, location_id=LOCATION):
    (target,) = await targets_of(notifier, location_id)
    return target


async def delete_target(notifier, target_id, location_id=LOCATION):
    request = pb.DeleteTargetRequest(location_id=location_id, target_id=target_id)
    await notifier.DeleteTarget(request, timeout=SECONDS)


async def verify_target(notifier, target_id, location_id=LOCATION):
    request = pb.VerifyTargetRequest(location_id=location_id, target_id=target_id)
    return await notifier.VerifyTarget(request, timeout=SECONDS)


async def enable_target(notifier, target_id, location_id=LOCATION, *, replay=False):
    request = pb.EnableTargetRequest(location_id=location_id, target_id=target_id, replay=replay)
    return await notifier.EnableTarget(request, timeout=SECONDS)


async def rotate_secret(notifier, target_id, location_id=LOCATION):
    request = pb.RotateSecretRequest(location_id=location_id, target_id=target_id)
    return await notifier.RotateSecret(request, timeout=SECONDS)
