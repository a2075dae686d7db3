"""Calls about silences."""

from datetime import UTC, datetime, timedelta

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from tests.notifier.builders import LOCATION, SECONDS

NOON = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


async def silence(notifier, location_id=LOCATION, *, ends_at=NOON + HOUR, **request):
    request = {"reason": "Moving the forms", "actor": "Owner"} | request
    place = {} if request.get("installation") else {"location_id": location_id}
    made = await notifier.CreateSilence(
        pb.CreateSilenceRequest(**place, ends_at=timestamp(ends_at), **request), timeout=SECONDS
    )
    return made.silence


async def silences_of(notifier, location_id=LOCATION, **request):
    request = pb.ListSilencesRequest(location_id=location_id, **request)
    return (await notifier.ListSilences(request, timeout=SECONDS)).silences


async def expire(notifier, silence_id, location_id=LOCATION, actor="Owner"):
    request = pb.ExpireSilenceRequest(location_id=location_id, silence_id=silence_id, actor=actor)
    return (await notifier.ExpireSilence(request, timeout=SECONDS)).silence
