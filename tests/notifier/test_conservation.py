"""Nothing disappears: whatever happens, every event can be found again."""

import uuid
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.db.database import Database
from services.notifier.actions.addressing import Addressing
from services.notifier.actions.deciding import Deciding
from services.notifier.actions.reporting import Reporting
from services.notifier.actions.spreading import Spreading
from services.notifier.domain.links import Links
from services.notifier.domain.pace import Waits
from services.notifier.domain.scope import INSTALLATION
from services.notifier.domain.settings import AlertSettings
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    SECONDS,
    a_completed_scan,
    a_critical_finding,
    a_failed_scan,
    a_failing_event,
    a_finished_run,
    a_fixed_finding,
    a_good_score,
    a_low_score,
    a_recovery,
    a_restored_connection,
    a_stuck_workflow,
    an_expired_connection,
    an_overdue_schedule,
    configure,
    report,
)
from tests.notifier.silences import NOON, expire, silence, silences_of

workflows = st.sampled_from(["wf-1", "wf-2"])
happenings = st.one_of(
    st.builds(lambda wf: lambda loc: a_failing_event(wf, location_id=loc), workflows),
    st.builds(lambda wf: lambda loc: a_recovery(wf, location_id=loc), workflows),
    st.builds(lambda fp: lambda loc: a_critical_finding(fp, location_id=loc), workflows),
    st.builds(
        lambda wf, score: lambda loc: a_low_score(wf, score, location_id=loc),
        workflows,
        st.sampled_from([45, 20]),
    ),
    st.builds(lambda wf: lambda loc: a_good_score(wf, location_id=loc), workflows),
    st.just(lambda loc: a_completed_scan(str(uuid.uuid4()), location_id=loc)),
    st.just(lambda loc: a_failed_scan(location_id=loc)),
    st.builds(lambda fp: lambda loc: a_fixed_finding(fp, location_id=loc), workflows),
    st.builds(lambda wf: lambda loc: a_stuck_workflow(wf, location_id=loc), workflows),
    st.builds(lambda wf: lambda loc: a_finished_run(wf, location_id=loc), workflows),
    st.just(lambda loc: an_expired_connection(location_id=loc)),
    st.just(lambda loc: a_restored_connection(location_id=loc)),
    st.just(lambda loc: an_overdue_schedule(location_id=loc)),
)
switches = {
    "enabled": st.booleans(),
    "alert_on_critical": st.booleans(),
    "alert_email": st.sampled_from([EMAIL, None]),
    # Nobody answers there, so its deliveries wait and can be folded.
    "webhook_url": st.sampled_from([NOBODY, None]),
}
# Quiet but for a minute, so that it is quiet whenever the test runs; almost.
ALWAYS_QUIET = pb.QuietHours(windows=[pb.QuietWindow(start="00:01", end="00:00")])
wishes = {
    "quiet_hours": st.sampled_from([ALWAYS_QUIET, pb.QuietHours(), None]),
    "quiet_hours_hold_critical": st.booleans(),
    "scan_summary": st.sampled_from(
        [pb.SCAN_SUMMARY_ALWAYS, pb.SCAN_SUMMARY_ON_CHANGE, pb.SCAN_SUMMARY_NEVER]
    ),
}


@dataclass(frozen=True)
class Configure:
    """Changes the settings of the location, of a workflow, or of the installation."""

    place: str
    change: dict


@dataclass(frozen=True)
class Silence:
    """Silences something, or ends the newest silence."""

    cover: dict | None


@dataclass(frozen=True)
class Spread:
    """Lets the same error begin, or end, in the location and in its neighbours."""

    begins: bool


@dataclass(frozen=True)
class Report:
    """Reports some events at once."""

    batch: list


switching = st.fixed_dictionaries({}, optional=switches | wishes).filter(bool)
covers = st.sampled_from(
    [{}, {"workflow_id": "wf-1"}, {"kinds": ["workflow_failing"]}, {"up_to_severity": 2}, None]
)
reports = st.builds(Report, st.lists(happenings, min_size=1, max_size=6))
falls = st.builds(
    lambda wf: Report(
        [lambda loc, each=each: a_low_score(wf, each, location_id=loc) for each in (45, 20)]
    ),
    workflows,
)
at_first = st.sampled_from([{}, {"alert_email": EMAIL}, {"webhook_url": NOBODY}])
doings = st.one_of(
    reports,
    st.builds(Configure, st.sampled_from(["location", "wf-1", "installation"]), switching),
    st.builds(Silence, covers),
    st.builds(Spread, st.booleans()),
    falls,
)
steps = st.tuples(
    st.builds(Configure, st.sampled_from(["location", "installation"]), at_first),
    reports, doings, reports, doings, doings, reports,
)  # fmt: skip

OPENERS = [
    "workflow_failing",
    "critical_finding",
    "score_low",
    "scan_failed",
    "never_finished",
    "connection_expired",
    "schedule_overdue",
    "same_error",
    "recording_gap",
]
FATES = """
SELECT e.event_id, e.incident_id IS NOT NULL, e.decision->>'outcome',
       (SELECT count(*) FROM deliveries d WHERE d.event_id = e.event_id)
  FROM events e WHERE e.location_id = %(place)s
   AND (%(place)s <> '' OR e.payload->>'error_fingerprint' = %(error)s)
"""
LOST = """
SELECT d.delivery_id, d.suppressed_because FROM deliveries d
  LEFT JOIN incidents i ON i.incident_id = d.suppressed_by
  LEFT JOIN silences s ON s.silence_id = d.suppressed_by
 WHERE d.location_id = %(place)s
   AND CASE d.suppressed_because
       WHEN 'silenced' THEN s.silence_id IS NULL
       WHEN 'inhibited' THEN i.incident_id IS NULL OR i.location_id NOT IN (d.location_id, '')
       ELSE d.suppressed_by <> '' OR d.event_id IS NULL AND d.incident_id IS NULL
       END
"""
"""Deliveries that cannot be traced to what caused or suppressed them."""
COUNTS = """
SELECT i.dedup_key, i.status, i.event_count, i.severity,
       (SELECT count(*) FROM events e WHERE e.incident_id = i.incident_id
         AND e.kind = ANY(%(openers)s)),
       (SELECT bool_or((e.payload->>'score')::int < 25) FROM events e
         WHERE e.incident_id = i.incident_id AND e.kind = 'score_low')
  FROM incidents i WHERE i.location_id = %(place)s
   AND (%(place)s <> '' OR i.dedup_key = 'err:' || %(error)s)
"""
TOLD = """
SELECT d.incident_id, target_id, occasion, d.status, suppressed_because
  FROM deliveries d JOIN incidents i USING (incident_id)
 WHERE d.location_id = %(place)s AND target_id IS NOT NULL
   AND (%(place)s <> '' OR i.dedup_key = 'err:' || %(error)s)
"""
ROLLED_UP = """
SELECT i.incident_id, i.error_fingerprint, s.dedup_key, s.location_id
  FROM incidents i JOIN incidents s ON s.incident_id = i.caused_by
 WHERE i.location_id = %(place)s AND s.dedup_key LIKE 'err:%%'
"""


@pytest.fixture(scope="session")
async def spreading(notifier_url):
    async with looking(notifier_url, timedelta(0), timedelta(0)) as made:
        yield made


@pytest.fixture(scope="session")
async def patient_spreading(patient_url):
    async with looking(patient_url, timedelta(seconds=30), timedelta(minutes=10)) as made:
        yield made


@asynccontextmanager
async def looking(url, group_wait, hold_down):
    """Gives what looks for the same error in many locations, as the notifier does by itself."""
    links = Links("https://watch.example")
    deciding = Deciding(Addressing(Waits(group=group_wait)), links, hold_down)
    async with Database.open(url, name="test") as database:
        built_in = AlertSettings(scope=INSTALLATION)
        reporting = Reporting(database, deciding, built_in, lambda: None)
        yield Spreading(database, reporting, lambda: None)


@settings(
    max_examples=15,
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # each example is a story of its own; shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_every_event_is_counted_sent_or_suppressed_for_a_reason(
    shared_notifier, notifier_url, spreading, steps
):
    await assert_kept(Street(shared_notifier, spreading), notifier_url, steps)


@settings(
    max_examples=15,
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # each example is a story of its own; shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_nothing_is_lost_in_waiting_either(
    patient_notifier, patient_url, patient_spreading, steps
):
    await assert_kept(Street(patient_notifier, patient_spreading), patient_url, steps)


class Street:
    """A location, its neighbours, and the error that they may have in common."""

    def __init__(self, notifier, spreading):
        self.notifier = notifier
        self.error = str(uuid.uuid4())
        self.location_id, *self.neighbours = [str(uuid.uuid4()) for _ in range(3)]
        self.told = Counter()
        self._spreading = spreading

    async def do(self, step):
        """Does a step, and counts the events that it reports."""
        match step:
            case Configure(place, change):
                await self._configure(place, change)
            case Silence(None):
                for each in await silences_of(self.notifier, self.location_id):
                    await expire(self.notifier, each.silence_id, self.location_id)
            case Silence(cover):
                ends_at = NOON + timedelta(days=1)
                await silence(self.notifier, self.location_id, ends_at=ends_at, **cover)
            case Report(batch):
                await self._report([happening(self.location_id) for happening in batch])
            case Spread(begins):
                make = self._failing if begins else a_recovery_of_the_first
                await self._report([make(each) for each in (self.location_id, *self.neighbours)])
                await self._spreading.look()

    async def _configure(self, place, change):
        if change and place == "installation":
            await configure(self.notifier, "", installation=True, **change)
        elif change:
            workflow_id = "" if place == "location" else place
            await configure(self.notifier, self.location_id, workflow_id, **change)

    def _failing(self, location_id):
        event = a_failing_event("wf-1", location_id=location_id)
        event.workflow_failing.error_fingerprint = self.error
        return event

    async def _report(self, events):
        await report(self.notifier, *events)
        self.told.update(each.location_id for each in events)


def a_recovery_of_the_first(location_id):
    return a_recovery("wf-1", location_id=location_id)


async def assert_kept(street, url, steps):
    untouched = dict.fromkeys(switches | wishes)
    await street.do(Configure("installation", untouched))
    for step in steps:
        await street.do(step)

    async with await psycopg.AsyncConnection.connect(url) as connection:
        for place in (street.location_id, *street.neighbours, ""):
            await assert_kept_of(street, connection, place)


async def assert_kept_of(street, connection, place):
    given = {"place": place, "error": street.error, "openers": OPENERS}
    fates = await rows(connection, FATES, given)
    counts = await rows(connection, COUNTS, given)

    assert not place or len(fates) == street.told[place]
    assert not await rows(connection, LOST, given)
    for event_id, counted, outcome, sent in fates:
        assert_outcome(outcome, counted=counted, sent=sent)
        await assert_explained(street.notifier, place, event_id, outcome)
    assert all(linked == event_count for _, _, event_count, _, linked, _ in counts)
    assert all(severity == "critical" for *_, severity, _, critical in counts if critical)
    still_open = Counter(each[0] for each in counts if each[1] == "open")
    assert all(number == 1 for number in still_open.values())
    assert_told_once(await rows(connection, TOLD, given))
    for _, error, cause, where in await rows(connection, ROLLED_UP, given):
        assert (cause, where) == (f"err:{error}", "")


def assert_outcome(outcome, *, counted, sent):
    """Every event is notified or suppressed (then it has deliveries), or counted in an incident."""
    match outcome:
        case "opened" | "raised":
            assert counted
            assert sent
        case "counted":
            assert counted
            assert not sent
        case "resolved":
            assert counted
        case "summed_up" | "nothing_open":
            assert sent
        case _:
            raise AssertionError(outcome)


async def assert_explained(notifier, location_id, event_id, outcome):
    """What the explanation says is what the rows say."""
    request = pb.ExplainDecisionRequest(location_id=location_id, event_id=event_id)
    found = await notifier.ExplainDecision(request, timeout=SECONDS)

    assert found.outcome == outcome
    assert found.answer
    suppressed = [each.delivery.suppressed_because for each in found.targets]
    assert found.told == any(
        not because and each.delivery.status != pb.DELIVERY_STATUS_FAILED
        for each, because in zip(found.targets, suppressed, strict=True)
    )
    for each in found.targets:
        assert (each.decision == "suppress") == bool(each.delivery.suppressed_because)
        assert (each.decision == "hold") == each.delivery.HasField("held_until")
    stopped = [each.name for each in found.checks if not each.passed]
    if outcome in ("opened", "raised", "summed_up"):
        everybody = stopped and stopped != ["quiet_hours"]
        by_all = {"enabled", "scan_summary", "scan_changes", "alert_on_critical", "cause",
                  "silences", "targets"}  # fmt: skip
        assert bool(everybody) == bool(set(stopped) & by_all)
        if everybody:
            assert found.targets[0].delivery.suppressed_because == REASONS[stopped[0]]


REASONS = {
    "enabled": "alerts_disabled",
    "scan_summary": "no_summaries",
    "scan_changes": "nothing_changed",
    "alert_on_critical": "critical_alerts_disabled",
    "cause": "inhibited",
    "silences": "silenced",
    "targets": "no_target",
}


async def rows(connection, query, parameters):
    return await (await connection.execute(query, parameters)).fetchall()


def assert_told_once(deliveries):
    """No target hears twice that an incident began, or rose, or of an end of what it heard nothing."""
    began, heard_of, over = Counter(), set(), Counter()
    for incident, target, occasion, status, because in deliveries:
        heard = status != "suppressed" or because == "folded_into_resolved"
        if occasion in ("opened", "raised", "reminder", "update") and heard:
            heard_of.add((incident, target))
        if occasion in ("opened", "raised") and heard:
            began[occasion, incident, target] += 1
        if occasion == "resolved" and status != "suppressed":
            over[incident, target] += 1
    assert all(number == 1 for number in (began | over).values())
    assert over.keys() <= heard_of
