"""The main job end to end, as its users see it: programs, HTTP, a mailbox, a webhook."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from standardwebhooks import Webhook

from tests.support.database_clock import set_clock
from tests.support.programs import standalone
from tests.support.receivers import receiver
from tests.support.smtp import mail_server
from tests.support.waiting import eventually

LOCATION = {"location_id": "loc-1"}
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
async def mailbox():
    async with mail_server() as server:
        yield server


@pytest.fixture
async def hook():
    async with receiver() as made:
        yield made


@pytest.fixture
async def program(data, databases_given, mailbox, hook):
    async with standalone(
        data,
        **databases_given,
        SMTP_HOST=mailbox.host,
        SMTP_PORT=str(mailbox.port),
        SMTP_USER=mailbox.user,
        SMTP_PASS=mailbox.password,
        SMTP_TLS_CA=str(mailbox.ca_file),
        SMTP_FROM="Runwarden <alerts@agency.example>",
        NOTIFIER_EGRESS_ALLOW=f"127.0.0.1:{hook.port}",
    ) as running:
        yield running


@pytest.fixture
async def http(program):
    async with program.http() as client:
        yield client


async def answered(response, status=200):
    body = await response.json()
    assert response.status == status, body
    return body


async def configured(http, hook):
    settings = {"alertEmail": "owner@agency.example", "webhookUrl": hook.url}
    return await answered(await http.post("/api/alerts/settings", params=LOCATION, json=settings))


async def failure(http, minutes_ago):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    body = FAILED | {"executedAt": at.isoformat()}
    return await answered(await http.post(DOOR, params=LOCATION, json=body))


def outbox_is_empty(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


async def test_three_failures_make_one_mail_and_one_webhook_and_a_fourth_makes_none(
    http, hook, mailbox, database_urls
):
    secret = (await configured(http, hook))["webhook_secret"]
    for minutes_ago in (50, 30, 10):
        assert (await failure(http, minutes_ago))["status"] == "accepted"

    await eventually(lambda: mailbox.mails and hook.requests)
    await failure(http, 0)
    await eventually(lambda: outbox_is_empty(database_urls["ingestion"]))
    deliveries = await answered(await http.get("/api/deliveries", params=LOCATION))

    assert len(deliveries["items"]) == 2
    assert (len(mailbox.mails), len(hook.requests)) == (1, 1)
    mail = mailbox.mails[0]
    assert mail.authenticated
    assert mail.tls
    assert mail.message["To"] == "owner@agency.example"
    assert "Lead follow-up" in mail.message["Subject"]
    for kind in ("plain", "html"):
        text = mail.message.get_body((kind,)).get_content()
        assert "Send SMS" in text
        assert "21211" in text
    told = Webhook(secret).verify(hook.requests[0].body, dict(hook.requests[0].headers))
    assert told["data"]["workflow"]["id"] == "wf-1"

    incidents = await answered(await http.get("/api/incidents", params=LOCATION))
    assert [each["failure_count"] for each in incidents["items"]] == [4]


async def test_the_numbers_are_those_one_can_count_by_hand(http):
    for minutes_ago in (50, 30, 10):
        await failure(http, minutes_ago)
    for status, took in (("success", 800), ("success", 1000), ("partial", 3000)):
        body = {"status": status, "executionTimeMs": took}
        await answered(await http.post(DOOR, params=LOCATION, json=body))

    metrics = await answered(await http.get("/api/workflows/wf-1/metrics", params=LOCATION))
    failures = await answered(await http.get("/api/workflows/wf-1/failures", params=LOCATION))
    history = await answered(
        await http.get("/api/workflows/wf-1/executions", params=LOCATION | {"limit": "4"})
    )

    assert (metrics["total_executions"], metrics["failed_executions"]) == (6, 3)
    assert metrics["failure_rate"] == 0.5
    assert metrics["avg_execution_time"] == (3 * 1200 + 800 + 1000 + 3000) / 6
    assert metrics["failure_trend"] == "stable"
    assert metrics["last_failure"] == failures["items"][0]["executed_at"]
    assert len(failures["items"]) == 3
    assert len(history["items"]) == 4
    assert history["next_page_token"]


async def test_a_schedule_set_to_the_next_minute_fires_once(http, database_urls):
    await failure(http, 10)
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=1)).strftime("%H:%M")
    schedule = {"frequency": "daily", "preferredTime": soon, "timezone": "UTC"}
    saved = await answered(await http.post("/api/schedules", params=LOCATION, json=schedule))
    due = datetime.fromisoformat(saved["next_scan_at"])
    assert now < due <= now + timedelta(minutes=1)
    assert len(saved["next_runs"]) == 5

    set_clock(database_urls["scheduler"], due + timedelta(seconds=1))

    async def completed():
        history = await answered(await http.get("/api/schedules/history", params=LOCATION))
        return [each for each in history["items"] if each["status"] == "completed"]

    scans = await eventually(completed)
    set_clock(database_urls["scheduler"], due + timedelta(seconds=30))
    later = await answered(await http.get("/api/schedules", params=LOCATION))
    history = await answered(await http.get("/api/schedules/history", params=LOCATION))

    assert [each["trigger"] for each in scans] == ["schedule"]
    assert len(history["items"]) == 1
    assert datetime.fromisoformat(later["next_scan_at"]) == due + timedelta(days=1)


async def test_run_now_answers_at_once_and_tells_what_it_found(http, hook, mailbox):
    await configured(http, hook)
    for minutes_ago in (50, 40, 30, 20, 10):
        await failure(http, minutes_ago)
    await eventually(lambda: mailbox.mails)

    started = await answered(await http.post("/api/schedules/run-now", params=LOCATION), 202)

    async def done():
        scan = await answered(await http.get(f"/api/scans/{started['scan_id']}", params=LOCATION))
        return scan if scan["status"] == "completed" else None

    scan = await eventually(done)
    findings = await answered(
        await http.get(f"/api/scans/{started['scan_id']}/findings", params=LOCATION)
    )
    assert scan["workflows_scanned"] == 1
    assert {"GHL401", "GHL402"} <= {each["rule_id"] for each in findings["items"]}
    assert scan["issues_found"] == len(findings["items"])

    def subjects():
        return [str(each.message["Subject"]) for each in mailbox.mails]

    await eventually(lambda: any(each.startswith("[INFO]") for each in subjects()))
    assert len([each for each in subjects() if each.startswith("[INFO]")]) == 1


async def test_a_test_alert_says_what_became_of_it_at_each_target(http, hook, mailbox):
    await configured(http, hook)
    hook.answer_next(500)

    verdicts = await answered(await http.post("/api/alerts/test", params=LOCATION))

    told = {each["channel"]: each["delivered"] for each in verdicts["items"]}
    assert told == {"email": True, "webhook": False}
    assert len(mailbox.mails) == 1
