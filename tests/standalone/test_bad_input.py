"""Bad input is a clear problem (or quarantine at the door), never a 500, and writes nothing."""

from io import BytesIO

import psycopg
import pytest

DOOR = "/api/workflows/wf-1/executions"


async def problem(response, status, reason):
    body = await response.json()
    assert (response.status, body.get("reason")) == (status, reason), body
    assert response.content_type == "application/problem+json"
    assert {"type", "title", "detail", "request_id"} <= set(body)
    return body


@pytest.fixture
def rows(street_urls, here):
    """Counts the rows of the test's own location in a table of a service."""

    def count(service, table):
        with psycopg.connect(street_urls[service]) as connection:
            query = f"SELECT count(*) FROM {table} WHERE location_id = %s"
            return connection.execute(query, [here["location_id"]]).fetchone()[0]

    return count


@pytest.fixture
def post(http, here):
    """Posts a body as JSON for the test's own location."""
    return lambda path, body: http.post(path, params=here, json=body)


async def test_at_the_door(http, here, rows):
    for body, reason in (
        ("{}", "STATUS_MISSING"),
        ('{"status": "exploded"}', "STATUS_UNKNOWN"),
        ('{"status": "failed"', "BODY_NOT_JSON"),
    ):
        response = await http.post(
            DOOR, params=here, data=body, headers={"Content-Type": "application/json"}
        )
        answer = await response.json()
        assert (response.status, answer["status"]) == (202, "quarantined")
        assert answer["reason"] == reason
    too_large = await http.post(DOOR, params=here, data=BytesIO(b"x" * (1024 * 1024 + 1)))
    await problem(too_large, 413, "BODY_TOO_LARGE")
    await problem(await http.post(DOOR, json={"status": "failed"}), 400, "LOCATION_MISSING")

    assert rows("ingestion", "execution_logs") == 0
    assert rows("ingestion", "quarantined_deliveries") == 3


async def test_a_location_that_is_not_the_keys(http, here):
    made = await http.post(
        "/api/keys", json={"name": "client", "scope": "write", "location_id": "loc-2"}
    )
    key = (await made.json())["key"]
    foreign = {"Authorization": f"Bearer {key}"}

    at_the_door = await http.post(DOOR, params=here, json={"status": "failed"}, headers=foreign)
    in_the_api = await http.get("/api/workflows/wf-1/metrics", params=here, headers=foreign)

    await problem(at_the_door, 403, "LOCATION_NOT_YOURS")
    await problem(in_the_api, 403, "LOCATION_NOT_YOURS")


async def test_without_a_key_nothing_is_answered(http, here):
    for method, path in (("POST", DOOR), ("GET", "/api/schedules"), ("GET", "/health/detailed")):
        response = await http.request(method, path, params=here, headers={"Authorization": ""})
        await problem(response, 401, "KEY_MISSING")


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/api/alerts/settings", {"failureThreshold": -1}, "THRESHOLD_OUT_OF_RANGE"),
        ("/api/schedules", {"frequency": "daily", "timezone": "Mars/Base"}, "TIME_ZONE_UNKNOWN"),
        (
            "/api/schedules",
            {"frequency": "daily", "preferredTime": "25:61"},
            "PREFERRED_TIME_MALFORMED",
        ),
    ],
)
async def test_settings_that_make_no_sense(post, rows, path, body, reason):
    answer = await problem(await post(path, body), 400, reason)

    assert answer["errors"]
    assert rows("notifier", "alert_settings") == 0
    assert rows("scheduler", "scan_schedules") == 0


async def test_an_unknown_workflow(http, here):
    for path in ("metrics", "failures"):
        response = await http.get(f"/api/workflows/nobody/{path}", params=here)
        await problem(response, 404, "WORKFLOW_NOT_FOUND")
