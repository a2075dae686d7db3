"""An unread delivery with its body, for whoever can read it again."""

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.ids import new_id
from tests.ingestion.builders import an_ingestion, refused
from tests.ingestion.test_list_quarantined import quarantine, quarantined

BODY = b'{"status": "done", "email": "ann@example.com"}'


async def opened(ingestion, location, quarantine_id):
    request = pb.GetQuarantinedRequest(location_id=location, quarantine_id=quarantine_id)
    return await ingestion.GetQuarantined(request, timeout=5)


async def test_a_delivery_comes_with_its_whole_body(ingestion, location):
    around = {"content_type": "application/json", "idempotency_key": "k"}
    (kept,) = await quarantine(ingestion, location, BODY, **around)
    found = await opened(ingestion, location, kept.execution_id)

    (shown,) = (await quarantined(ingestion, location)).deliveries
    assert found == pb.GetQuarantinedResponse(delivery=shown, body=BODY, **around)


@pytest.mark.parametrize("quarantine_id", ["", "x", "\0", "01970000-0000-7000-8000-000000000000"])
async def test_an_unknown_id_is_not_found(ingestion, location, quarantine_id):
    with refused(problems.NotFound, "QUARANTINED_NOT_FOUND"):
        await opened(ingestion, location, quarantine_id)


async def test_another_locations_delivery_is_not_found(ingestion, location):
    (kept,) = await quarantine(ingestion, f"{location}-b", BODY)
    with refused(problems.NotFound, "QUARANTINED_NOT_FOUND"):
        await opened(ingestion, location, kept.execution_id)


async def test_a_body_that_was_cut_is_refused(ingestion, location):
    whole, cut = await quarantine(ingestion, location, b"x" * 65_536, b"x" * 65_537)
    assert len((await opened(ingestion, location, whole.execution_id)).body) == 65_536
    with refused(problems.WrongState, "QUARANTINED_CUT"):
        await opened(ingestion, location, cut.execution_id)


async def test_a_body_whose_key_was_removed_says_so(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address, keys=["the old key"]) as before:
        (kept,) = await quarantine(before, "l", BODY)
    async with an_ingestion(url, notifier_address, keys=["new", "the old key"]) as rotated:
        assert (await opened(rotated, "l", kept.execution_id)).body == BODY
    async with an_ingestion(url, notifier_address, keys=["new"]) as too_early:
        with refused(problems.WrongState, "QUARANTINED_SEALED"):
            await opened(too_early, "l", kept.execution_id)


async def test_the_location_is_required(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await opened(ingestion, "", new_id())
