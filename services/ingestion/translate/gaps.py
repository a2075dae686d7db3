"""Writes times in which nothing could be recorded."""

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from services.ingestion.domain.gap import Gap
from services.ingestion.domain.page import Page


def kept_open(ended: Gap | None) -> pb.KeepDoorOpenResponse:
    """Writes which gap is over."""
    return pb.KeepDoorOpenResponse(recording_gap=gap(ended) if ended else None)


def listed(page: Page[Gap]) -> pb.ListRecordingGapsResponse:
    """Writes a page of gaps."""
    return pb.ListRecordingGapsResponse(
        gaps=[gap(each) for each in page.items], next_page_token=page.next_page_token
    )


def gap(found: Gap) -> pb.RecordingGap:
    """Writes a gap."""
    return pb.RecordingGap(
        gap_id=found.gap_id,
        start=timestamp(found.start),
        end=timestamp(found.end),
        execution_count=found.execution_count,
    )
