"""Doors that say that they are open, and times in which none did."""

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb


async def keep_open(ingestion):
    """Says that a door is open; gives the gap that this ends, None when there is none."""
    answer = await ingestion.KeepDoorOpen(pb.KeepDoorOpenRequest(), timeout=10)
    return answer.recording_gap if answer.HasField("recording_gap") else None


async def a_gap(clock, **span):
    """Lets nothing be recorded for a while; gives the gap."""
    await keep_open(clock.ingestion)
    clock.move(**span)
    return await keep_open(clock.ingestion)


async def gaps_of(ingestion, location_id="", **page):
    request = pb.ListRecordingGapsRequest(location_id=location_id, **page)
    return await ingestion.ListRecordingGaps(request, timeout=5)
