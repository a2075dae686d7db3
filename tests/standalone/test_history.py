"""What came in, by every way out: quarantine, search, files, the live stream."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

DOOR = "/api/workflows/wf-1/executions"
LINES = {"Content-Type": "application/x-ndjson"}


async def answered(response, status=200):
    body = await response.text()
    assert response.status == status, body
    return body


@pytest.fixture
def get(http, here):
    async def get(path, **query):
        return json.loads(await answered(await http.get(path, params=here | query)))

    return get


async def test_what_was_not_understood_is_corrected_watched_exported_and_imported(http, here, get):
    async with http.get("/api/events/stream", params=here) as stream:
        assert (await stream.content.readline()).startswith(b": open")
        sent = {"status": "done", "errorMessage": "21211: Invalid number", "runId": "r-1"}
        await answered(await http.post(DOOR, params=here, json=sent), 202)
        (kept,) = (await get("/api/quarantine"))["items"]
        path = f"/api/quarantine/{kept['quarantine_id']}/replay"
        await answered(await http.post(path, params=here, json={"status": "failed"}))
        async for line in stream.content:
            if line.startswith(b"data: "):
                shown = json.loads(line.removeprefix(b"data: "))
                break
    assert (shown["run_id"], shown["status"]) == ("r-1", "failed")
    assert (await get("/api/quarantine"))["items"] == []
    assert await get(f"/api/executions/{shown['id']}") == shown
    found = await get("/api/executions", error_text="invalid NUMBER")
    assert [each["id"] for each in found["items"]] == [shown["id"]]
    (group,) = (await get("/api/errors"))["items"]
    assert (group["count"], group["error_class"]) == (1, shown["error_class"])

    export = await answered(await http.get("/api/executions/export", params=here))
    path = "/api/executions/import"
    again = await http.post(path, params=here, data=export, headers=LINES)
    assert json.loads(await answered(again)) == {
        "accepted": 0, "duplicates": 1, "rejected": 0, "rejected_lines": [],
    }  # fmt: skip
    other = export.replace(here["location_id"], "another")
    copied = await http.post(path, params={"location_id": "another"}, data=other, headers=LINES)
    assert json.loads(await answered(copied))["accepted"] == 1


BAD = (
    ('{"workflowId": "wf-1", "status": "failed"}', "EXECUTED_AT_MISSING"),
    ('{"workflowId": "wf-1", "status": "done", "executedAt": "%s"}', "STATUS_UNKNOWN"),
    ('{"status": "failed", "executedAt": "%s"}', "WORKFLOW_MISSING"),
    ('{"workflowId": "wf-1", "status": "failed"', "LINE_NOT_OBJECT"),
    ('{"workflowId": "wf-1", "status": "failed", "executedAt": "1999-01-01T00:00:00Z"}',
     "EXECUTED_AT_OUT_OF_RANGE"),
    ('{"workflowId": "wf-1", "status": "failed", "executedAt": "%s", "color": 1}', "UNKNOWN_FIELD"),
    ('{"workflowId": "wf-1", "status": "failed", "executedAt": "%s", "executionTimeMs": -1}',
     "EXECUTION_TIME_OUT_OF_RANGE"),
)  # fmt: skip


async def test_of_10_000_lines_37_bad_ones_are_named_and_the_rest_counts_once(http, here, get):
    begin = datetime.now(UTC) - timedelta(days=60)
    wrong = {270 * place + 3: BAD[place % len(BAD)] for place in range(37)}
    lines = []
    for number in range(1, 10_001):
        moment = (begin + timedelta(minutes=number)).isoformat()
        if number in wrong:
            lines.append(wrong[number][0].replace("%s", moment))
        else:
            lines.append(json.dumps({
                "workflowId": f"wf-{number % 7}", "status": "success", "executedAt": moment,
                "executionTimeMs": number % 3,
            }))  # fmt: skip
    file = "\n".join(lines).encode()
    path = "/api/executions/import"
    told = [
        json.loads(await answered(await http.post(path, params=here, data=each, headers=LINES)))
        for each in (BytesIO(file), BytesIO(file))
    ]
    counts = [(each["accepted"], each["duplicates"], each["rejected"]) for each in told]
    assert counts == [(9963, 0, 37), (0, 9963, 37)]
    named = {number: reason for number, (_, reason) in wrong.items()}
    for each in told:
        assert {line["line"]: line["reason"] for line in each["rejected_lines"]} == named
    listed = await get("/api/workflows/metrics", workflow_id="wf-3", hours="2160")
    assert sum(each["total_executions"] for each in listed["items"]) == sum(
        number % 7 == 3 and number not in wrong for number in range(1, 10_001)
    )
