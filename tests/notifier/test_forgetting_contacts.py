"""A contact is forgotten: what its runs said goes out of everything that was told."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.db.database import Database
from services.notifier.actions.redacting import Redacting
from services.notifier.domain.redaction import REMOVED
from services.notifier.store.forgotten import AGAIN_AFTER
from tests.notifier.builders import (
    LOCATION,
    SECONDS,
    a_failing_event,
    a_recovery,
    a_stuck_workflow,
    an_event,
    caught,
    configure,
    deliveries_of,
    incidents_of,
    refused_as,
    report,
    story_of,
)
from tests.support.database_clock import release_clock, set_clock
from tests.support.everything import traces
from tests.support.receivers import Answer
from tests.support.waiting import eventually

HERS, THEIRS = "ana@example.org", "bo@example.org"
SAID = f'550: {HERS} "is" unknown'
BOSS = "boss@agency.example"
NEW, KNOWN = pb.EventResult.OUTCOME_ACCEPTED, pb.EventResult.OUTCOME_DUPLICATE
KEPT_FOR = "SELECT FROM forgotten_contacts"
THREE = ("loc-3", "loc-2", LOCATION)


def failing(*execution_ids, said=SAID, workflow_id="wf-1", **event):
    """A workflow whose newest failure said something."""
    told = a_failing_event(workflow_id, error_message=said, **event)
    told.workflow_failing.execution_ids[:] = execution_ids
    return told


def in_common(*execution_ids, **event):
    told = failing(*execution_ids, **event)
    told.workflow_failing.error_fingerprint = "fp-1"
    return told


def forget(*execution_ids, run_ids=(), **event):
    told = pb.ContactForgotten(execution_ids=execution_ids, run_ids=run_ids)
    return an_event(contact_forgotten=told, **event)


def tables(found):
    return {each.split(":")[0] for each in found}


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


async def redact(url):
    """Forgets who is due, as the notifier does by itself every minute."""
    async with Database.open(url, name="test") as database:
        await Redacting(database, lambda: None).redact()


@pytest.fixture
def later(notifier_url):
    """Lets the time come at which it is looked once more."""
    yield lambda: set_clock(notifier_url, datetime.now(UTC) + AGAIN_AFTER + timedelta(minutes=1))
    release_clock(notifier_url)


@pytest.fixture
async def told(notifier, notifier_url):
    """A notifier that told of her in every way, and of others; everything has arrived."""

    async def all_arrived():
        mails = await caught(notifier)
        waiting = rows(notifier_url, "SELECT FROM deliveries WHERE status = 'pending'")
        return not waiting and any("The same error" in each.subject for each in mails)

    await configure(notifier, installation=True, alert_email=BOSS)
    for each in THREE:
        await configure(notifier, each, alert_email=f"{each}@client.example")
    stuck = a_stuck_workflow("wf-3")
    stuck.never_finished.run_ids[:] = [f"run of {HERS}", "run-2"]
    await report(
        notifier, stuck, failing("of-bo", "of-ana", said=f"no {THEIRS}", workflow_id="wf-2")
    )
    # The newest of them is the example of what they have in common.
    for each in THREE:
        said = SAID if each == LOCATION else f"no {THEIRS}"
        await report(notifier, in_common("of-ana", said=said, location_id=each))
    await eventually(all_arrived)
    return notifier


async def explained(notifier, event_id):
    request = pb.ExplainDecisionRequest(location_id=LOCATION, event_id=event_id)
    return await notifier.ExplainDecision(request, timeout=SECONDS)


async def got(notifier, delivery):
    request = pb.GetDeliveryRequest(location_id=LOCATION, delivery_id=delivery.delivery_id)
    return (await notifier.GetDelivery(request, timeout=SECONDS)).delivery


async def test_what_her_runs_said_is_gone_and_nothing_else(told, notifier_url):
    where = {"events", "incidents", "deliveries", "messages", "caught_mail"}
    assert tables(traces(notifier_url, HERS)) == where
    others = traces(notifier_url, THEIRS)
    subjects = {each.subject for each in await deliveries_of(told)}

    assert await report(told, forget("of-ana", run_ids=[f"run of {HERS}"])) == [NEW]
    await eventually(lambda: tables(traces(notifier_url, HERS)) == {"forgotten_contacts"})

    assert traces(notifier_url, THEIRS) == others
    assert traces(notifier_url, "run-2")
    assert {each.subject for each in await deliveries_of(told)} == subjects
    mails = {each.text for each in await caught(told, LOCATION)}
    assert REMOVED in mails
    assert [each for each in mails if THEIRS in each]
    (spread,) = await told_to_all(told)
    assert spread.title == f"The same error in 3 locations: {REMOVED}"
    for each in await incidents_of(told):
        assert (await story_of(told, each.incident_id)).timeline
    for each in await deliveries_of(told):
        assert (await got(told, each)).status == pb.DELIVERY_STATUS_DELIVERED
        assert (await explained(told, each.event_id)).answer


async def told_to_all(notifier):
    request = pb.ListIncidentsRequest(installation=True)
    return (await notifier.ListIncidents(request, timeout=SECONDS)).incidents


async def test_it_is_looked_for_once_more_and_again_changes_nothing(notifier, notifier_url, later):
    again = forget("of-ana")
    await report(notifier, failing("of-bo", said=f"no {THEIRS}"), again)
    await eventually(lambda: rows(notifier_url, f"{KEPT_FOR} WHERE is_last"))
    before = traces(notifier_url, THEIRS)
    await report(notifier, failing("of-ana"), failing("of-ana", location_id="loc-2"))
    assert await report(notifier, again) == [KNOWN]

    later()
    await redact(notifier_url)
    await eventually(lambda: not rows(notifier_url, KEPT_FOR))

    assert all("loc-2" in each for each in traces(notifier_url, HERS))
    assert "events" in tables(traces(notifier_url, HERS))
    assert traces(notifier_url, THEIRS) == before
    assert await report(notifier, again) == [NEW]


async def test_a_message_that_is_on_its_way_keeps_its_bytes_until_it_is_given_up(
    delivering, delivering_url, hook
):
    notifier, url = delivering, delivering_url

    def messages():
        query = "SELECT removal, convert_from(body, 'UTF8') FROM messages ORDER BY message_id"
        return rows(url, query)

    async def tried():
        return (await deliveries_of(notifier))[0].attempts == 1

    hook.answer_next(Answer(500, body=[SAID.encode()]))
    await configure(notifier, webhook_url=hook.url)
    await report(notifier, failing("of-ana"))
    await eventually(tried)
    await report(notifier, failing("of-ana", workflow_id="wf-2"))  # waits for its turn
    ((_, sent),) = messages()
    assert HERS in sent

    await report(notifier, forget("of-ana"))
    answers = {"deliveries", "delivery_attempts", "targets"}
    await eventually(lambda: messages() == [("due", sent)])
    assert tables(traces(url, HERS)) == answers

    await report(notifier, a_recovery())
    await redact(url)

    await eventually(lambda: messages()[0] == ("done", REMOVED))
    assert tables(traces(url, HERS)) == set()
    (given_up,) = [each for each in await deliveries_of(notifier) if each.attempts]
    assert (await got(notifier, given_up)).subject == given_up.subject
    request = pb.ReplayDeliveriesRequest(
        location_id=LOCATION, delivery_ids=[given_up.delivery_id], force=True
    )
    with refused_as("DELIVERY_NOT_SENDABLE"):
        await notifier.ReplayDeliveries(request, timeout=SECONDS)


async def test_what_cannot_be_read_is_refused(notifier):
    many = [str(number) for number in range(501)]
    request = pb.ReportEventsRequest(
        events=[forget(*many), forget(run_ids=many), forget(location_id=""), forget(event_id="no")]
    )
    results = (await notifier.ReportEvents(request, timeout=SECONDS)).results
    reasons = ["TOO_MANY_RUNS", "TOO_MANY_RUNS", "LOCATION_MISSING", "EVENT_ID_MALFORMED"]
    assert [each.reason for each in results] == reasons
