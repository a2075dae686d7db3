"""Deliveries that could not be read."""

import json
from datetime import UTC

import psycopg
import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.secrets import SecretBox
from tests.ingestion.builders import (
    KEY,
    QUARANTINED,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
    refused,
)


async def quarantine(ingestion, location, *bodies, **fields):
    given = {"workflow_id": "wf", "reason": "STATUS_UNKNOWN", **fields}
    items = [
        pb.RecordItem(unread=pb.UnreadDelivery(location_id=location, body=body, **given))
        for body in bodies
    ]
    request = pb.RecordExecutionsRequest(items=items)
    return list((await ingestion.RecordExecutions(request, timeout=5)).results)


async def quarantined(ingestion, location, **request):
    message = pb.ListQuarantinedRequest(location_id=location, **request)
    return await ingestion.ListQuarantined(message, timeout=5)


async def test_an_unread_delivery_is_kept_and_shown_redacted(ingestion, location):
    body = b'{"status": "done", "email": "ann@example.com"}'
    (result,) = await quarantine(ingestion, location, body, detail='"done" is no status')
    (found,) = (await quarantined(ingestion, location)).deliveries

    assert result.outcome == QUARANTINED
    assert found.quarantine_id == result.execution_id
    assert found.received_at.ToDatetime(UTC) > ago(minutes=1)
    found.ClearField("received_at")
    assert found == pb.QuarantinedDelivery(
        quarantine_id=result.execution_id,
        location_id=location,
        workflow_id="wf",
        reason="STATUS_UNKNOWN",
        detail='"done" is no status',
        redacted_body='{"status": "done", "email": "…"}',
        body_size=len(body),
    )


async def test_it_is_no_execution_and_makes_no_workflow_known(ingestion, location):
    await quarantine(ingestion, location, b"{}")
    assert await listed(ingestion, location) == []
    response = await ingestion.ListWorkflows(
        pb.ListWorkflowsRequest(location_id=location), timeout=5
    )
    assert list(response.workflows) == []


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", ""),
        (b"\0\xff\xfe", ""),
        (b"status=%FF", ""),
        (b'{"a":' * 12_000, ""),
        (b"9" * 60_000, '"…"'),
        (b'{"status": "\\ud800"}', '{"status": "?"}'),
    ],
)
async def test_any_body_is_kept(ingestion, location, body, shown):
    (result,) = await quarantine(ingestion, location, body, detail="a\0b", content_type="x\0")
    (found,) = (await quarantined(ingestion, location)).deliveries
    assert result.outcome == QUARANTINED
    assert (found.body_size, found.redacted_body) == (len(body), shown)
    assert found.detail == "a\N{REPLACEMENT CHARACTER}b"


async def test_a_body_above_64_kib_is_cut_and_not_shown(ingestion, location):
    whole, cut = [json.dumps({"x": "y" * size}).encode() for size in (65_526, 65_527)]
    assert (len(whole), len(cut)) == (65_536 - 1, 65_536)
    await quarantine(ingestion, location, cut + b" ", cut)
    found = (await quarantined(ingestion, location)).deliveries

    assert [each.body_size for each in found] == [65_536, 65_537]
    assert [each.truncated for each in found] == [False, True]
    assert [each.redacted_body for each in found] == ['{"x": "…"}', ""]


async def test_the_body_is_encrypted_at_rest(new_database, notifier_address):
    url, body = new_database("ingestion"), b'{"email": "ann@example.com"}' + b" " * 70_000
    async with an_ingestion(url, notifier_address) as ingestion:
        await quarantine(ingestion, "l", body, content_type="application/json")
    with psycopg.connect(url) as connection:
        query = "SELECT sealed_body, content_type FROM quarantined_deliveries"
        sealed, content_type = connection.execute(query).fetchone()

    assert b"ann@example.com" not in sealed
    assert SecretBox([KEY]).open(sealed) == body[: 64 * 1024]
    assert content_type == "application/json"


async def test_deliveries_come_newest_first_page_by_page(ingestion, location):
    for batch in ((b"1", b"22"), (b"333",), (b"4444", b"55555")):
        await quarantine(ingestion, location, *batch)
    sizes, token = [], ""
    for _ in range(3):
        page = await quarantined(ingestion, location, page_size=2, page_token=token)
        sizes.append([each.body_size for each in page.deliveries])
        token = page.next_page_token
    assert sizes == [[5, 4], [3, 2], [1]]
    assert token == ""


async def test_deliveries_of_another_location_are_never_seen(ingestion, location):
    await quarantine(ingestion, f"{location}-b", b"{}")
    assert list((await quarantined(ingestion, location)).deliveries) == []


async def test_what_is_wrong_with_the_request_is_said(ingestion, location):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await quarantined(ingestion, "")
    with refused(problems.InvalidRequest, "PAGE_SIZE_NEGATIVE"):
        await quarantined(ingestion, location, page_size=-1)
    with refused(problems.InvalidRequest, "PAGE_TOKEN_WRONG"):
        await quarantined(ingestion, location, page_token="x")


async def test_a_page_of_500_of_the_largest_deliveries_fits_into_one_call(ingestion, location):
    body = json.dumps({f"n{place}": place for place in range(400)}).encode()
    for _ in range(5):
        await quarantine(ingestion, location, *[body] * 100, detail="é" * 1000)
    await record(ingestion, an_execution(location))
    page = await quarantined(ingestion, location, page_size=500)
    assert len(page.deliveries) == 500
