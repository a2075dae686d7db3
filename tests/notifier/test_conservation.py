"""Nothing disappears: whatever happens, every event can be found again."""

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from libs.contracts.notifier.v1 import notifier_pb2 as pb
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
    st.builds(lambda wf: lambda loc: a_low_score(wf, location_id=loc), workflows),
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
    """Changes the settings of the location, or of a workflow."""

    workflow_id: str
    change: dict


@dataclass(frozen=True)
class Silence:
    """Silences something, or ends the newest silence."""

    cover: dict | None


@dataclass(frozen=True)
class Report:
    """Reports some events at once."""

    batch: list


switching = st.fixed_dictionaries({}, optional=switches | wishes).filter(bool)
covers = st.sampled_from(
    [{}, {"workflow_id": "wf-1"}, {"kinds": ["workflow_failing"]}, {"up_to_severity": 2}, None]
)
reports = st.builds(Report, st.lists(happenings, min_size=1, max_size=6))
at_first = st.sampled_from([{}, {"alert_email": EMAIL}, {"webhook_url": NOBODY}])
doings = st.one_of(
    reports,
    st.builds(Configure, st.sampled_from(["", "wf-1"]), switching),
    st.builds(Silence, covers),
)
steps = st.tuples(
    st.builds(Configure, st.just(""), at_first), reports, doings, reports, doings, doings, reports
)

OPENERS = [
    "workflow_failing",
    "critical_finding",
    "score_low",
    "scan_failed",
    "never_finished",
    "connection_expired",
    "schedule_overdue",
]
FATES = """
SELECT e.event_id, e.incident_id IS NOT NULL, e.decision->>'outcome',
       (SELECT count(*) FROM deliveries d WHERE d.event_id = e.event_id)
  FROM events e WHERE e.location_id = %s
"""
LOST = """
SELECT d.delivery_id, d.suppressed_because FROM deliveries d
  LEFT JOIN incidents i ON i.incident_id = d.suppressed_by
  LEFT JOIN silences s ON s.silence_id = d.suppressed_by
 WHERE d.location_id = %s
   AND CASE d.suppressed_because
       WHEN 'silenced' THEN s.silence_id IS NULL
       WHEN 'inhibited' THEN i.incident_id IS NULL OR i.location_id <> d.location_id
       ELSE d.suppressed_by <> '' OR d.event_id IS NULL AND d.incident_id IS NULL
       END
"""
"""Deliveries that cannot be traced to what caused or suppressed them."""
COUNTS = """
SELECT i.dedup_key, i.status, i.event_count,
       (SELECT count(*) FROM events e WHERE e.incident_id = i.incident_id
         AND e.kind = ANY(%s))
  FROM incidents i WHERE i.location_id = %s
"""
TOLD = """
SELECT incident_id, target_id, occasion, status, suppressed_because
  FROM deliveries WHERE location_id = %s AND incident_id IS NOT NULL AND target_id IS NOT NULL
"""


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
    shared_notifier, notifier_url, steps
):
    await assert_kept(shared_notifier, notifier_url, steps)


@settings(
    max_examples=15,
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # each example is a story of its own; shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_nothing_is_lost_in_waiting_either(patient_notifier, patient_url, steps):
    await assert_kept(patient_notifier, patient_url, steps)


async def assert_kept(notifier, url, steps):
    location_id = str(uuid.uuid4())
    told = 0
    for step in steps:
        told += await do(notifier, location_id, step)

    async with await psycopg.AsyncConnection.connect(url) as connection:
        fates = await rows(connection, FATES, [location_id])
        counts = await rows(connection, COUNTS, [OPENERS, location_id])
        deliveries = await rows(connection, TOLD, [location_id])
        lost = await rows(connection, LOST, [location_id])

    assert len(fates) == told
    assert not lost
    for event_id, counted, outcome, sent in fates:
        assert_outcome(outcome, counted=counted, sent=sent)
        await assert_explained(notifier, location_id, event_id, outcome)
    assert all(linked == event_count for _, _, event_count, linked in counts)
    still_open = Counter(key for key, status, _, _ in counts if status == "open")
    assert all(number == 1 for number in still_open.values())
    assert_told_once(deliveries)


async def do(notifier, location_id, step):
    """Does a step; gives how many events it reported."""
    match step:
        case Configure(workflow_id, change):
            if change:
                await configure(notifier, location_id, workflow_id, **change)
        case Silence(None):
            for each in await silences_of(notifier, location_id):
                await expire(notifier, each.silence_id, location_id)
        case Silence(cover):
            await silence(notifier, location_id, ends_at=NOON + timedelta(days=1), **cover)
        case Report(batch):
            await report(notifier, *(happening(location_id) for happening in batch))
            return len(batch)
    return 0


def assert_outcome(outcome, *, counted, sent):
    """Every event is notified or suppressed (then it has deliveries), or counted in an incident."""
    match outcome:
        case "opened":
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
    if outcome in ("opened", "summed_up"):
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
    """No target hears twice that an incident began, or of an end where it heard of nothing."""
    began, heard_of, over = Counter(), set(), Counter()
    for incident, target, occasion, status, because in deliveries:
        heard = status != "suppressed" or because == "folded_into_resolved"
        if occasion in ("opened", "reminder", "update") and heard:
            heard_of.add((incident, target))
        if occasion == "opened" and heard:
            began[incident, target] += 1
        if occasion == "resolved" and status != "suppressed":
            over[incident, target] += 1
    assert all(number == 1 for number in (began | over).values())
    assert over.keys() <= heard_of
