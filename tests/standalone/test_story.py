"""The main job end to end, as its users see it: programs, HTTP, a mailbox, a webhook."""

from datetime import UTC, datetime, timedelta

import aiohttp
import psycopg
import pytest
from standardwebhooks import Webhook

from tests.support.database_clock import release_clock, set_clock
from tests.support.receivers import receiver
from tests.support.waiting import eventually

DOOR = "/api/workflows/wf-1/executions"
FAILED = {
    "status": "failed",
    "workflowName": "Lead follow-up",
    "failedActionId": "a7",
    "failedActionName": "Send SMS",
    "errorMessage": "21211: Invalid 'To' Phone Number",
    "executionTimeMs": "1200",
}


@pytest.fixture
async def hook():
    async with receiver() as made:
        yield made


@pytest.fixture
async def client(street, http, here):
    """A client with a key of the test's own location."""
    asked = {"name": "Story", "scope": "admin", **here}
    made = await answered(await http.post("/api/keys", json=asked), 201)
    headers = {"Authorization": f"Bearer {made['key']}"}
    async with aiohttp.ClientSession(street.url, headers=headers) as client:
        yield client


@pytest.fixture
def set_scheduler_clock(street_urls):
    """Stops the scheduler's clock, which other tests share, until the test ends."""
    yield lambda now: set_clock(street_urls["scheduler"], now)
    release_clock(street_urls["scheduler"])


async def answered(response, status=200):
    body = await response.json()
    assert response.status == status, body
    return body


async def configured(client, owner, hook):
    settings = {"alertEmail": owner.address, "webhookUrl": hook.url}
    return await answered(await client.post("/api/alerts/settings", json=settings))


async def failure(client, minutes_ago):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    body = FAILED | {"executedAt": at.isoformat()}
    return await answered(await client.post(DOOR, json=body))


def all_is_told(urls):
    with psycopg.connect(urls["ingestion"]) as connection:
        return connection.execute("""
            SELECT NOT EXISTS (SELECT FROM outbox)
                AND NOT EXISTS (SELECT FROM workflows WHERE failing AND untold_failures > 0)
        """).fetchone() == (True,)


async def test_three_failures_make_one_mail_and_one_webhook_and_a_fourth_makes_none(
    client, owner, hook, street_urls
):
    secret = (await configured(client, owner, hook))["webhook_secret"]
    for minutes_ago in (50, 30, 10):
        assert (await failure(client, minutes_ago))["status"] == "accepted"

    await eventually(lambda: owner.mails() and hook.requests)
    await failure(client, 0)
    await eventually(lambda: all_is_told(street_urls))
    deliveries = await answered(await client.get("/api/deliveries"))

    assert len(deliveries["items"]) == 2
    assert (len(owner.mails()), len(hook.requests)) == (1, 1)
    mail = owner.mails()[0]
    assert mail.authenticated
    assert mail.tls
    assert "Lead follow-up" in mail.message["Subject"]
    for kind in ("plain", "html"):
        text = mail.message.get_body((kind,)).get_content()
        assert "Send SMS" in text
        assert "21211" in text
    told = Webhook(secret).verify(hook.requests[0].body, dict(hook.requests[0].headers))
    assert told["data"]["workflow"]["id"] == "wf-1"

    incidents = await answered(await client.get("/api/incidents"))
    assert [each["failure_count"] for each in incidents["items"]] == [4]


async def test_the_numbers_are_those_one_can_count_by_hand(client):
    for minutes_ago in (50, 30, 10):
        await failure(client, minutes_ago)
    for status, took in (("success", 800), ("success", 1000), ("partial", 3000)):
        body = {"status": status, "executionTimeMs": took}
        await answered(await client.post(DOOR, json=body))

    metrics = await answered(await client.get("/api/workflows/wf-1/metrics"))
    failures = await answered(await client.get("/api/workflows/wf-1/failures"))
    history = await answered(
        await client.get("/api/workflows/wf-1/executions", params={"limit": "4"})
    )

    assert (metrics["total_executions"], metrics["failed_executions"]) == (6, 3)
    assert metrics["failure_rate"] == 0.5
    assert metrics["avg_execution_time"] == (3 * 1200 + 800 + 1000 + 3000) / 6
    assert metrics["failure_trend"] == "stable"
    assert metrics["last_failure"] == failures["items"][0]["executed_at"]
    assert len(failures["items"]) == 3
    assert len(history["items"]) == 4
    assert history["next_page_token"]


async def test_a_schedule_set_to_the_next_minute_fires_once(client, set_scheduler_clock):
    await failure(client, 10)
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=1)).strftime("%H:%M")
    schedule = {"frequency": "daily", "preferredTime": soon, "timezone": "UTC"}
    saved = await answered(await client.post("/api/schedules", json=schedule))
    due = datetime.fromisoformat(saved["next_scan_at"])
    assert now < due <= now + timedelta(minutes=1)
    assert len(saved["next_runs"]) == 5

    set_scheduler_clock(due + timedelta(seconds=1))

    async def completed():
        history = await answered(await client.get("/api/schedules/history"))
        return [each for each in history["items"] if each["status"] == "completed"]

    scans = await eventually(completed)
    set_scheduler_clock(due + timedelta(seconds=30))
    later = await answered(await client.get("/api/schedules"))
    history = await answered(await client.get("/api/schedules/history"))

    assert [each["trigger"] for each in scans] == ["schedule"]
    assert len(history["items"]) == 1
    assert datetime.fromisoformat(later["next_scan_at"]) == due + timedelta(days=1)


async def test_run_now_answers_at_once_and_tells_what_it_found(client, owner, hook):
    await configured(client, owner, hook)
    for minutes_ago in (50, 40, 30, 20, 10):
        await failure(client, minutes_ago)
    await eventually(owner.mails)

    started = await answered(await client.post("/api/schedules/run-now"), 202)

    async def done():
        scan = await answered(await client.get(f"/api/scans/{started['scan_id']}"))
        return scan if scan["status"] == "completed" else None

    scan = await eventually(done)
    findings = await answered(await client.get(f"/api/scans/{started['scan_id']}/findings"))
    assert scan["workflows_scanned"] == 1
    assert {"GHL401", "GHL402"} <= {each["rule_id"] for each in findings["items"]}
    assert scan["issues_found"] == len(findings["items"])

    def subjects():
        return [str(each.message["Subject"]) for each in owner.mails()]

    await eventually(lambda: any(each.startswith("[INFO]") for each in subjects()))
    assert len([each for each in subjects() if each.startswith("[INFO]")]) == 1


async def test_a_test_alert_says_what_became_of_it_at_each_target(client, owner, hook):
    await configured(client, owner, hook)
    hook.answer_next(500)

    verdicts = await answered(await client.post("/api/alerts/test"))

    told = {each["channel"]: each["delivered"] for each in verdicts["items"]}
    assert told == {"email": True, "webhook": False}
    assert len(owner.mails()) == 1
