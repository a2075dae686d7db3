"""What came in, by every way out: quarantine, search, files, the live stream."""

import json

import pytest

from tests.support.programs import standalone

LOCATION = {"location_id": "loc-1"}
DOOR = "/api/workflows/wf-1/executions"
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def http(data, databases_given):
    async with standalone(data, **databases_given) as program, program.http() as client:
        yield client


async def answered(response, status=200):
    body = await response.text()
    assert response.status == status, body
    return body


async def get(http, path, **query):
    return json.loads(await answered(await http.get(path, params=LOCATION | query)))


async def test_what_was_not_understood_is_corrected_watched_exported_and_imported(http):
    async with http.get("/api/events/stream", params=LOCATION) as stream:
        assert (await stream.content.readline()).startswith(b": open")
        sent = {"status": "done", "errorMessage": "21211: Invalid number", "runId": "r-1"}
        await answered(await http.post(DOOR, params=LOCATION, json=sent), 202)
        (kept,) = (await get(http, "/api/quarantine"))["items"]
        path = f"/api/quarantine/{kept['quarantine_id']}/replay"
        await answered(await http.post(path, params=LOCATION, json={"status": "failed"}))
        async for line in stream.content:
            if line.startswith(b"data: "):
                shown = json.loads(line.removeprefix(b"data: "))
                break
    assert (shown["run_id"], shown["status"]) == ("r-1", "failed")
    assert (await get(http, "/api/quarantine"))["items"] == []
    assert await get(http, f"/api/executions/{shown['id']}") == shown
    found = await get(http, "/api/executions", error_text="invalid NUMBER")
    assert [each["id"] for each in found["items"]] == [shown["id"]]
    (group,) = (await get(http, "/api/errors"))["items"]
    assert (group["count"], group["error_class"]) == (1, shown["error_class"])

    export = await answered(await http.get("/api/executions/export", params=LOCATION))
    path = "/api/executions/import"
    again = await http.post(path, params=LOCATION, data=export, headers=LINES)
    assert json.loads(await answered(again)) == {
        "accepted": 0, "duplicates": 1, "rejected": 0, "rejected_lines": [],
    }  # fmt: skip
    elsewhere = export.replace("loc-1", "loc-2")
    copied = await http.post(path, params={"location_id": "loc-2"}, data=elsewhere, headers=LINES)
    assert json.loads(await answered(copied))["accepted"] == 1
