"""When nothing could be recorded."""

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from tests.gateway.rest.well import GAP


@pytest.fixture
def ingestion(street):
    answer = pb.ListRecordingGapsResponse(gaps=[GAP], next_page_token="more")
    street.ingestion.answers("ListRecordingGaps", answer)
    return street.ingestion


async def test_a_location_sees_all_gaps_with_what_came_of_its_own(ingestion, reader, location_id):
    answer = await reader.get("/api/gaps", limit="1", page_token="here")

    assert answer.body == {
        "items": [
            {
                "gap_id": "g-1",
                "start": "2026-03-02T12:15:00Z",
                "end": "2026-03-02T12:30:00Z",
                "execution_count": 3,
                "seconds": 900.0,
            }
        ],
        "next_page_token": "more",
    }
    asked = pb.ListRecordingGapsRequest(location_id=location_id, page_size=1, page_token="here")
    assert ingestion.last("ListRecordingGaps") == asked


async def test_only_the_agency_counts_those_of_all(ingestion, reader, agency):
    refused = await reader.get("/api/gaps", all_locations="true")
    allowed = await agency.get("/api/gaps", all_locations="true")

    assert (refused.status, allowed.status) == (403, 200)
    assert ingestion.last("ListRecordingGaps").location_id == ""
