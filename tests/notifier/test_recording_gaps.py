"""What could not be recorded is told to the installation, and what came of it later."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.rpc.times import timestamp
from tests.notifier.builders import (
    EMAIL,
    LOCATION,
    SECONDS,
    an_event,
    caught,
    configure,
    incidents_of,
    refused_as,
    report,
    story_of,
)
from tests.support.waiting import eventually

BOSS = "boss@agency.example"
START = datetime(2026, 3, 2, 2, 10, tzinfo=UTC)
END = START + timedelta(minutes=15)
TIMES = {"start": timestamp(START), "end": timestamp(END)}


def a_gap(gap_id, *, location_id=""):
    detail = pb.RecordingGap(gap_id=gap_id, **TIMES)
    return an_event(location_id=location_id, recording_gap=detail, at=END)


def its_end(gap_id, came=12):
    detail = pb.RecordingGapOver(gap_id=gap_id, execution_count=came, **TIMES)
    return an_event(location_id="", recording_gap_over=detail, at=END + timedelta(minutes=75))


async def gaps_of(notifier):
    request = pb.ListIncidentsRequest(installation=True)
    return list((await notifier.ListIncidents(request, timeout=SECONDS)).incidents)


async def mails(notifier, number):
    async def there():
        found = await caught(notifier)
        return found if len(found) == number else None

    return await eventually(there)


async def test_the_installation_is_told_when_and_what_to_do_and_no_location_is(notifier):
    await configure(notifier, installation=True, alert_email=BOSS)
    await configure(notifier, alert_email=EMAIL)
    gap_id = str(uuid.uuid4())
    await report(notifier, a_gap(gap_id))

    (mail,) = await mails(notifier, 1)
    (incident,) = await gaps_of(notifier)

    during = "from 02:10 to 02:25 UTC on 2026-03-02 (15 min)"
    assert mail.recipient == BOSS
    assert mail.subject == f"[WARNING] Nothing could be recorded {during}"
    assert "HighLevel sends again what was answered 429" in mail.text
    assert "POST /api/executions/import" in mail.text
    assert "https://watch.example/alerts" in mail.text
    assert (incident.dedup_key, incident.severity) == (f"gap:{gap_id}", pb.SEVERITY_WARNING)
    assert not await incidents_of(notifier)

    await report(notifier, its_end(gap_id))
    ended = next(each for each in await mails(notifier, 2) if "RESOLVED" in each.subject)
    story = await story_of(notifier, incident.incident_id, "")

    assert ended.subject == f"[RESOLVED] Recording gap {during}: 12 executions came later"
    assert ended.recipient == BOSS
    assert story.incident.status == pb.INCIDENT_STATUS_RESOLVED
    assert "12 executions came later." in [each.action.note for each in story.timeline]


async def test_each_gap_is_an_incident_of_its_own(notifier):
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    await report(notifier, a_gap(first), a_gap(second), its_end(first, came=1))

    status = {each.dedup_key: each.status for each in await gaps_of(notifier)}
    assert status == {
        f"gap:{first}": pb.INCIDENT_STATUS_RESOLVED,
        f"gap:{second}": pb.INCIDENT_STATUS_OPEN,
    }


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (a_gap(str(uuid.uuid4()), location_id=LOCATION), "INSTALLATION_HAS_NONE"),
        (a_gap("the gap"), "GAP_ID_MALFORMED"),
    ],
    ids=["with a location", "without an id"],
)
async def test_a_gap_of_one_location_or_without_an_id_is_refused(notifier, event, reason):
    answer = await notifier.ReportEvents(pb.ReportEventsRequest(events=[event]), timeout=SECONDS)
    assert [each.reason for each in answer.results] == [reason]


async def test_what_an_alert_would_do_can_be_asked_before(notifier):
    await configure(notifier, installation=True, alert_email=BOSS)
    request = pb.ExplainDecisionRequest(imagined=pb.ImaginedEvent(kind="recording_gap"))
    found = await notifier.ExplainDecision(request, timeout=SECONDS)
    assert (found.told, found.severity) == (True, pb.SEVERITY_WARNING)
    request.location_id = LOCATION
    with refused_as("INSTALLATION_HAS_NONE"):
        await notifier.ExplainDecision(request, timeout=SECONDS)
