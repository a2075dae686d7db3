import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from libs.clock import FixedClock
from services.notifier.channels.egress import Egress
from services.notifier.channels.signing import headers_for, new_secret
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.delivery import Parcel
from services.notifier.domain.links import Links
from services.notifier.domain.message import opening, summary
from services.notifier.domain.retry import Verdict
from services.notifier.domain.target import Channel, Target
from services.notifier.translate.events import event_from
from tests.notifier.builders import NOW, a_completed_scan, a_critical_finding, a_failing_event
from tests.notifier.channels.messages import standing_for
from tests.notifier.domain.test_wording import an_incident
from tests.support.receivers import Answer, receiver

TARGET = Target("t-1", "loc-1", Channel.WEBHOOK, "https://hooks.example/x")
LINKS = Links("https://watch.example")
secrets = st.binary(min_size=24, max_size=64).map(
    lambda key: "whsec_" + base64.b64encode(key).decode()
)


@given(secrets, st.text(max_size=200))
def test_what_we_sign_is_what_standard_webhooks_verifies(secret, said):
    body = json.dumps({"said": said}, ensure_ascii=False).encode(errors="replace")

    headers = headers_for([secret], "msg-1", datetime.now(UTC), body)

    assert Webhook(secret).verify(body, headers) == json.loads(body)


def test_secrets_are_long_and_never_the_same():
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(len(base64.b64decode(each.removeprefix("whsec_"))) == 32 for each in made)


def frozen(message, clock):
    return WebhookChannel(None, clock).freeze(message, TARGET)


def test_the_body_has_a_type_a_time_and_what_programs_need():
    event = event_from(a_failing_event(event_id="0192b9e0-0000-7000-8000-000000000001"))
    message = opening(event, NOW, an_incident(), LINKS)

    body = json.loads(frozen(message, FixedClock(NOW)).body)

    assert body["type"] == "incident.opened"
    assert body["timestamp"] == NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = body["data"]
    assert data["severity"] == "critical"
    assert data["kind"] == "workflow_failing"
    assert data["location_id"] == "loc-1"
    assert data["incident"]["dedup_key"] == "fail:wf-1"
    assert data["workflow"] == {"id": "wf-1", "name": "Lead follow-up"}
    assert data["detail"]["failure_count"] == 3
    assert data["detail"]["execution_ids"] == ["ex-1", "ex-2", "ex-3"]
    assert data["notification_reason"] == "opened"
    assert data["location"] == {"id": "loc-1", "name": None}
    assert data["counts"] == {"alerts": 1, "events": 1, "failures": 4}
    assert data["items"] == []
    assert data["links"]["page"] == "https://watch.example/l/loc-1/workflows/wf-1"
    assert data["test"] is False


@pytest.mark.parametrize("letter", ["x", "ü", "𝕏", '"', "\\", "\x01"])
def test_a_body_stays_below_20_kb_however_much_there_is_to_say(letter):
    much = letter * 30_000
    finding = a_critical_finding(fingerprint=much)
    for field in ("workflow_name", "rule_id", "title", "evidence", "remedy", "scan_id"):
        setattr(finding.critical_finding, field, much)
    scan = a_completed_scan(scan_id=much)
    scan.scan_completed.summary = scan.scan_completed.trigger = much
    scan.scan_completed.worst_workflows.extend([much] * 100)
    failing = a_failing_event(workflow_name=much, error_message=much)
    failing.workflow_failing.execution_ids.extend([much] * 100)

    for event in (finding, failing):
        message = opening(event_from(event), NOW, an_incident(dedup_key=letter * 200), LINKS)
        assert len(frozen(message, FixedClock(NOW)).body) < 20_000
    assert len(frozen(summary(event_from(scan), NOW, LINKS), FixedClock(NOW)).body) < 20_000


def test_a_body_that_stands_for_hundreds_names_fifty_and_counts_all():
    body = frozen(standing_for(500), FixedClock(NOW)).body

    told = json.loads(body)["data"]
    assert (len(told["affected"]), told["affected_count"]) == (50, 500)
    assert len(body) < 40_000


async def sent(answer, at):
    async with receiver() as hook, Egress.open([f"127.0.0.1:{hook.port}"]) as egress:
        hook.answer_next(answer)
        parcel = Parcel(
            message_id="msg-1",
            location_id="loc-1",
            target_id="t-1",
            incident_id=None,
            address=hook.url,
            secrets=(new_secret(),),
            frozen=frozen(summary(event_from(a_completed_scan()), NOW, LINKS), FixedClock(at)),
            created_at=NOW,
        )
        return await WebhookChannel(egress, FixedClock(at)).send(parcel), hook.requests[0]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (301, Verdict.DOUBTFUL),
        (304, Verdict.DOUBTFUL),
        (400, Verdict.DOUBTFUL),
        (401, Verdict.DOUBTFUL),
        (403, Verdict.DOUBTFUL),
        (404, Verdict.DOUBTFUL),
        (408, Verdict.LATER),
        (410, Verdict.GONE),
        (413, Verdict.DOUBTFUL),
        (422, Verdict.DOUBTFUL),
        (425, Verdict.LATER),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (599, Verdict.LATER),
    ],
)
async def test_what_a_status_means(status, verdict):
    outcome, _ = await sent(Answer(status), NOW)

    assert (outcome.verdict, outcome.code, outcome.detail) == (verdict, status, f"HTTP {status}")


async def test_the_time_in_the_headers_is_that_of_the_attempt():
    at = NOW + timedelta(hours=5)

    _, request = await sent(Answer(), at)

    assert request.headers["webhook-timestamp"] == str(int(at.timestamp()))
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("0", 0),
        ("90", 90),
        ("-5", 0),
        ("1.5", 0),
        ("²", 0),
        ("9" * 5000, 3600),
        ("Mon, 23 Nov 2026 12:10:00 GMT", 600),
        ("Mon, 23 Nov 2026 12:10:00", 600),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 99 Nov 2026 12:10:00 GMT", 0),
        ("", 0),
    ],
)
async def test_retry_after_is_read_as_seconds_or_as_a_date(asked, wait):
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)

    outcome, _ = await sent(Answer(503, {"Retry-After": asked}), noon)

    assert outcome.at_least == timedelta(seconds=wait)
