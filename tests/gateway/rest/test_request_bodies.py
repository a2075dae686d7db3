"""What REST makes of a body, whichever resource it is for."""

import io

import pytest

from gateway.rest.middleware import LARGEST_BODY
from gateway.rest.problems import MEDIA_TYPE
from libs.contracts.notifier.v1 import notifier_pb2

SETTINGS = "/api/alerts/settings"


@pytest.fixture
def settings(street):
    street.notifier.answers(
        "UpdateAlertSettings",
        notifier_pb2.UpdateAlertSettingsResponse(
            settings=notifier_pb2.AlertSettings(
                location_id="l", enabled=True, failure_threshold=3, time_window_hours=24,
                alert_on_critical=True,
            )
        ),
    )  # fmt: skip
    return street.notifier


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({"failureTreshold": 3}, "UNKNOWN_FIELD", "failureTreshold"),
        ({"webhook_secret": "x"}, "UNKNOWN_FIELD", "webhook_secret"),
        ({"failureThreshold": "3"}, "REQUEST_MALFORMED", "failure_threshold"),
        ({"failureThreshold": True}, "REQUEST_MALFORMED", "failure_threshold"),
        ({"failure_threshold": 2.5}, "REQUEST_MALFORMED", "failure_threshold"),
        ({"enabled": "yes"}, "REQUEST_MALFORMED", "enabled"),
        ({"enabled": 1}, "REQUEST_MALFORMED", "enabled"),
        ({"alertEmail": "a\u0000b"}, "REQUEST_MALFORMED", "alert_email"),
        ({"alertEmail": ["a@b.example"]}, "REQUEST_MALFORMED", "alert_email"),
        ({"enabled": True, "alertOnCritical": 3, "colour": 1}, "REQUEST_MALFORMED", "alert_on_critical"),
        ([], "REQUEST_MALFORMED", "body"),
        ("text", "REQUEST_MALFORMED", "body"),
    ],
)  # fmt: skip
async def test_a_body_that_makes_no_sense_is_told_by_field(settings, client, body, reason, field):
    answer = await client.post(SETTINGS, body)

    assert (answer.status, answer.body["reason"]) == (400, reason)
    assert field in [each["field"] for each in answer.body["errors"]]
    assert not settings.asked


async def test_a_field_in_both_spellings_is_refused(settings, client):
    answer = await client.post(SETTINGS, {"failureThreshold": 3, "failure_threshold": 4})

    assert answer.status == 400
    assert "failureThreshold" in answer.body["detail"]
    assert "failure_threshold" in answer.body["detail"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{broken", "BODY_NOT_JSON"),
        (b'{"enabled": true} and more', "BODY_NOT_JSON"),
        (b'{"alertEmail": "\xff"}', "BODY_UNREADABLE"),
        (b"[" * 100_000, "BODY_UNREADABLE"),
        (b"", "BODY_MISSING"),
        (b'"\\ud800"', "REQUEST_MALFORMED"),
        (b'{"alertEmail": "\\ud800"}', "REQUEST_MALFORMED"),
        (b'{"failureThreshold": NaN}', "REQUEST_MALFORMED"),
    ],
)
async def test_a_body_that_cannot_be_read(settings, client, content, reason):
    answer = await client.call(
        "POST", SETTINGS, data=content, headers={"Content-Type": "application/json"}
    )

    assert (answer.status, answer.body["reason"]) == (400, reason)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert not settings.asked


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
async def test_a_body_that_does_not_say_that_it_is_json(settings, client, content_type):
    answer = await client.call(
        "POST", SETTINGS, data=b'{"enabled": true}', headers={"Content-Type": content_type}
    )

    assert (answer.status, answer.body["reason"]) == (415, "CONTENT_TYPE_NOT_JSON")
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert not settings.asked


async def test_a_body_without_a_content_type_is_read_as_json(settings, client):
    answer = await client.call(
        "POST", SETTINGS, data=b'{"enabled": true}', skip_auto_headers=["Content-Type"]
    )

    assert answer.status == 200


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_above_1_mib_is_refused(settings, client, announced):
    body = b'{"alertEmail": "' + b"x" * (20 * LARGEST_BODY) + b'"}'

    async def chunks():
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    answer = await client.call(
        "POST",
        SETTINGS,
        data=io.BytesIO(body) if announced else chunks(),
        headers={"Content-Type": "application/json"},
    )

    assert (answer.status, answer.body["reason"]) == (413, "BODY_TOO_LARGE")
    assert not settings.asked
