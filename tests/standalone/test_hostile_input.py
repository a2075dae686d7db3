"""Whatever comes is answered rightly, by the door and by the strict path, and nothing is lost."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import psycopg
import pytest

DOOR = "/api/workflows/wf-1/executions"
STRICT = "/api/executions"
JSON = {"Content-Type": "application/json"}
FAR = "\u202eשלום عليكم\u202c 👩\u200d👩\u200d👧 \u0301"
DEEP = b'{"status": "failed", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BRACKETS = b"[" * 500_000


@pytest.fixture
def kept(street_urls, here):
    """Counts the rows of the test's own location in a table of ingestion."""

    def count(table):
        with psycopg.connect(street_urls["ingestion"]) as connection:
            query = f"SELECT count(*) FROM {table} WHERE location_id = %s"
            return connection.execute(query, [here["location_id"]]).fetchone()[0]

    return count


@pytest.fixture
def post(http, here):
    """Posts a body as JSON for the test's own location."""

    async def send(path, body, **headers):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        options = {"params": here, "headers": JSON | headers}
        async with http.post(path, data=BytesIO(sent), **options) as answer:
            return answer.status, await answer.json()

    return send


@pytest.fixture
def newest(http, here):
    """Gives the execution that came last."""

    async def ask():
        async with http.get("/api/executions", params=here | {"limit": "1"}) as answer:
            return (await answer.json())["items"][0]

    return ask


def failed(**fields):
    return {"status": "failed", "workflowId": "wf-1", **fields}


READ = [
    (failed(errorMessage=FAR), {"error_message": FAR}),
    (failed(errorMessage="a\0b\0"), {"error_message": "ab"}),
    (failed(errorMessage="x\ud800y"), {"error_message": "x?y"}),
    (b'{"status": "failed", "executionTimeMs": NaN}', {"execution_time_ms": None}),
    (b'{"status": "failed", "executionTimeMs": -Infinity}', {"execution_time_ms": None}),
    (b'{"status": "failed", "executionTimeMs": 1e400}', {"execution_time_ms": None}),
    (b'{"status": "failed", "executionTimeMs": 1' + b"0" * 400 + b"}", {"execution_time_ms": None}),
    (failed(executionTimeMs="9" * 5000), {"execution_time_ms": None}),
    (failed(executionTimeMs=-1), {"execution_time_ms": None}),
    (failed(executedAt="9999-12-31T23:59:59Z"), {"executed_at_adjusted": True}),
    (failed(executedAt="-0001-01-01T00:00:00Z"), {"executed_at_adjusted": False}),
    (failed(executedAt="10000-01-01T00:00:00Z"), {"executed_at_adjusted": False}),
    (failed(executedAt=10**400), {"executed_at_adjusted": False}),
    (failed(runId="r" * 100_000), {"run_id": "r" * 200}),
]
UNREAD = [
    (DEEP, "BODY_TOO_DEEP"),
    (BRACKETS, "BODY_TOO_DEEP"),
    (b"\0" * 1000, "BODY_NOT_JSON"),
    (b"\xff\xfe{}", "BODY_NOT_JSON"),
    (failed(status="\0"), "STATUS_MISSING"),
    (failed(status=FAR), "STATUS_UNKNOWN"),
    (failed(executedAt="0001-01-01T00:00:00Z"), "EXECUTED_AT_OUT_OF_RANGE"),
    ({str(number): number for number in range(10_001)}, "BODY_TOO_WIDE"),
]
REFUSED = [
    (DEEP, "BODY_TOO_DEEP"),
    (BRACKETS, "BODY_TOO_DEEP"),
    (b'{"status": "failed", "executionTimeMs": NaN}', "BODY_NOT_JSON"),
    (failed(executionTimeMs=10**400), "EXECUTION_TIME_OUT_OF_RANGE"),
    (b'{"workflowId": "w", "status": "failed", "executionTimeMs": 1e400}', "BODY_NOT_JSON"),
    (failed(errorMessage="a\0b"), "FIELD_MALFORMED"),
    (failed(executedAt="-0001-01-01T00:00:00Z"), "FIELD_MALFORMED"),
    (failed(executedAt="0001-01-01T00:00:00Z"), "EXECUTED_AT_OUT_OF_RANGE"),
    (failed(runId="r" * 201), "FIELD_TOO_LONG"),
    ([failed()] * 10_000, "TOO_MANY_ITEMS"),
]


async def test_at_the_door_everything_is_kept_one_way_or_the_other(post, newest, kept):
    for body, said in READ:
        status, answer = await post(DOOR, body)
        assert (status, answer["status"]) == (200, "accepted"), (body[:100], answer)
        found = await newest()
        assert {name: found[name] for name in said} == said
        assert datetime.fromisoformat(found["executed_at"]) > datetime.now(UTC) - timedelta(hours=1)
    for body, reason in UNREAD:
        status, answer = await post(DOOR, body)
        assert (status, answer["status"], answer["reason"]) == (202, "quarantined", reason)
    assert kept("execution_logs") == len(READ)
    assert kept("quarantined_deliveries") == len(UNREAD)


@pytest.mark.parametrize("path", [STRICT, DOOR])
async def test_where_it_must_be_right_it_is_refused_by_name(post, kept, path):
    for body, reason in REFUSED:
        status, answer = await post(path, body, Prefer="handling=strict")
        told = answer["results"][0] if "results" in answer else answer
        assert (status, told["reason"]) in ((400, reason), (200, reason)), answer
    assert kept("execution_logs") == 0
    assert kept("quarantined_deliveries") == 0


async def test_a_message_of_a_megabyte_is_cut_and_says_so(post, newest):
    body = json.dumps(failed(errorMessage="é" * 500_000), ensure_ascii=False).encode()
    for path in (DOOR, STRICT):
        status, _ = await post(path, body)
        assert status == 200
        found = await newest()
        assert found["error_message"] == "é" * 4096
        assert found["error_message_truncated"]


async def test_ten_thousand_workflows_are_500_at_a_time(post, kept):
    many = [failed(workflowId=f"wf-{number}") for number in range(10_000)]
    for path in ("/api/workflows/%7B%7Bworkflow.id%7D%7D/executions", STRICT):
        status, answer = await post(path, many)
        assert (status, answer["reason"]) == (400, "TOO_MANY_ITEMS")
        for start in range(0, 10_000, 500):
            status, answer = await post(path, many[start : start + 500])
            assert status == 200
            assert {each["status"] for each in answer["results"]} == {"accepted"}
    assert kept("execution_logs") == 20_000
    assert kept("workflows") == 10_000
