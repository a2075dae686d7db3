"""Nothing disappears: whatever happens, every event can be found again."""

import uuid
from collections import Counter

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.notifier.builders import (
    EMAIL,
    NOBODY,
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
changes = st.fixed_dictionaries({}, optional=switches)
at_first = st.sampled_from([{}, {"alert_email": EMAIL}, {"webhook_url": NOBODY}])
batches = st.lists(happenings, min_size=1, max_size=6)
steps = st.tuples(at_first, batches, changes, batches, changes, batches)

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
SELECT e.event_id, e.incident_id IS NOT NULL,
       (SELECT count(*) FROM deliveries d WHERE d.event_id = e.event_id)
  FROM events e WHERE e.location_id = %s
"""
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
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_every_event_is_counted_sent_or_suppressed_for_a_reason(
    shared_notifier, notifier_url, steps
):
    await assert_kept(shared_notifier, notifier_url, steps)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
async def test_nothing_is_lost_in_waiting_either(patient_notifier, patient_url, steps):
    await assert_kept(patient_notifier, patient_url, steps)


async def assert_kept(notifier, url, steps):
    location_id = str(uuid.uuid4())
    told = 0
    for step in steps:
        if isinstance(step, dict):
            if step:
                await configure(notifier, location_id, **step)
        else:
            await report(notifier, *(happening(location_id) for happening in step))
            told += len(step)

    async with await psycopg.AsyncConnection.connect(url) as connection:
        fates = await rows(connection, FATES, [location_id])
        counts = await rows(connection, COUNTS, [OPENERS, location_id])
        deliveries = await rows(connection, TOLD, [location_id])

    assert len(fates) == told
    assert all(counted or sent for _, counted, sent in fates)
    assert all(linked == event_count for _, _, event_count, linked in counts)
    still_open = Counter(key for key, status, _, _ in counts if status == "open")
    assert all(number == 1 for number in still_open.values())
    assert_told_once(deliveries)


async def rows(connection, query, parameters):
    return await (await connection.execute(query, parameters)).fetchall()


def assert_told_once(deliveries):
    """No target hears twice that an incident began, or of an end where it heard of no beginning."""
    began, over = Counter(), Counter()
    for incident, target, occasion, status, because in deliveries:
        heard = status != "suppressed" or because == "folded_into_resolved"
        if occasion == "opened" and heard:
            began[incident, target] += 1
        if occasion == "resolved" and status != "suppressed":
            over[incident, target] += 1
    assert all(number == 1 for number in (began | over).values())
    assert over.keys() <= began.keys()
