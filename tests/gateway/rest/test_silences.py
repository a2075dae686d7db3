from datetime import UTC, datetime

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import NotFound
from libs.rpc.times import datetime_from, timestamp

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
SILENCE = pb.Silence(
    silence_id="s-1",
    location_id="loc-1",
    kinds=["workflow_failing"],
    up_to_severity=pb.SEVERITY_WARNING,
    reason="Moving the forms",
    created_by="Owner",
    created_at=timestamp(AT),
    ends_at=timestamp(AT),
    active=True,
    suppressed_count=3,
)
BODY = {"endsAt": "2026-03-02T18:00:00Z", "reason": "Moving the forms"}


class SilenceNotFound(NotFound):
    """The location has no such silence."""

    reason = "SILENCE_NOT_FOUND"


@pytest.fixture
def notifier(street):
    street.notifier.answers("CreateSilence", pb.CreateSilenceResponse(silence=SILENCE))
    street.notifier.answers("ExpireSilence", pb.ExpireSilenceResponse(silence=SILENCE))
    street.notifier.answers("ListSilences", pb.ListSilencesResponse(silences=[SILENCE]))
    return street.notifier


async def test_a_silence_says_what_until_when_why_and_who(notifier, client, location_id):
    answer = await client.post(
        "/api/silences",
        {**BODY, "workflowId": "wf-1", "kinds": ["workflow_failing"], "upToSeverity": "warning"},
    )

    assert answer.status == 201
    asked = notifier.last("CreateSilence")
    assert (asked.location_id, asked.workflow_id, asked.installation) == (
        location_id,
        "wf-1",
        False,
    )
    assert (list(asked.kinds), asked.up_to_severity) == (["workflow_failing"], pb.SEVERITY_WARNING)
    assert datetime_from(asked.ends_at, "") == datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert (asked.reason, asked.actor) == ("Moving the forms", "test")
    assert answer.body["suppressed_count"] == 3


async def test_only_the_agency_silences_all_locations(notifier, client, agency):
    refused = await client.call("POST", "/api/silences", BODY, params={"all_locations": "true"})
    made = await agency.call("POST", "/api/silences", BODY, params={"all_locations": "true"})

    assert (refused.status, refused.body["reason"]) == (403, "AGENCY_KEY_NEEDED")
    assert made.status == 201
    (asked,) = notifier.asked["CreateSilence"]
    assert (asked.location_id, asked.installation) == ("", True)
    (entry, *_) = (await agency.get("/api/audit")).body["items"]
    assert (entry["action"], entry["subject"]) == ("silence.created", "s-1")


async def test_silences_are_listed(notifier, reader, location_id):
    answer = await reader.get("/api/silences", include_ended="true")

    (item,) = answer.body["items"]
    assert (item["silence_id"], item["up_to_severity"], item["active"]) == ("s-1", "warning", True)
    asked = notifier.last("ListSilences")
    assert (asked.location_id, asked.include_ended) == (location_id, True)


async def test_a_silence_is_ended_early(notifier, client, location_id):
    answer = await client.post("/api/silences/s-1/expire")

    asked = notifier.last("ExpireSilence")
    assert answer.status == 200
    assert (asked.location_id, asked.silence_id, asked.actor) == (location_id, "s-1", "test")


async def test_one_that_is_not_there(notifier, street, client):
    street.notifier.answers("ExpireSilence", SilenceNotFound())

    answer = await client.post("/api/silences/s-9/expire")

    assert (answer.status, answer.body["reason"]) == (404, "SILENCE_NOT_FOUND")


async def test_reading_keys_silence_nothing(notifier, reader):
    for path, body in (("/api/silences", BODY), ("/api/silences/s-1/expire", None)):
        answer = await reader.post(path, body)
        assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")
