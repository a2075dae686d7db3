"""A storm of incidents is no storm of messages, and nobody is forgotten in it."""

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    a_completed_scan,
    a_failing_event,
    a_low_score,
    caught,
    configure,
    deliveries_of,
    report,
)
from tests.support.database_clock import set_clock
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)
STORM = 1000


@pytest.fixture
async def alerting(start, database_url):
    """A notifier with an e-mail target and production's waits, on a clock that stands still."""
    set_clock(database_url, NOON)
    notifier = await start(group_wait=timedelta(seconds=30), hold_down=timedelta(minutes=10))
    await configure(notifier, alert_email=EMAIL)
    return notifier


async def nothing_is_under_way(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await connection.execute(
            "SELECT count(*) FROM deliveries WHERE status = 'pending' AND message_id IS NOT NULL"
        )
        return await rows.fetchone() == (0,)


async def look_at(notifier, url, at):
    set_clock(url, at)
    await report(notifier, a_completed_scan(scan_id="", location_id="loc-elsewhere"))
    await eventually(lambda: nothing_is_under_way(url))


async def test_a_thousand_criticals_in_a_minute_make_few_mails_that_list_them_all(
    alerting, database_url
):
    first, began = None, time.monotonic()
    for second in range(0, 60, 3):
        set_clock(database_url, NOON + timedelta(seconds=second))
        numbers = range(second * STORM // 60, (second + 3) * STORM // 60)
        names = [f"wf-{number:04}" for number in numbers]
        await report(alerting, *(a_failing_event(each, workflow_name=each) for each in names))
        await eventually(lambda: nothing_is_under_way(database_url))
        if first is None:
            first = await eventually(lambda: caught(alerting))
            took = time.monotonic() - began
    for second in range(60, 600, 30):
        await look_at(alerting, database_url, NOON + timedelta(seconds=second))

    async def all_told():
        page = pb.ListDeliveriesRequest(location_id="loc-1", page_size=500)
        found = list((await alerting.ListDeliveries(page)).deliveries)
        return all(each.status == pb.DELIVERY_STATUS_DELIVERED for each in found)

    await eventually(all_told)
    mails = await caught(alerting)
    assert took < 5
    assert first[-1].caught_at.ToDatetime(UTC) <= NOON + timedelta(seconds=5)
    assert len(mails) <= 16
    listed = Counter(name for each in mails for name in set(re.findall(r"wf-\d{4}", each.text)))
    assert len(listed) == STORM
    assert set(listed.values()) == {1}
    assert max(len(each.text) + len(each.html) for each in mails) < 100_000


async def test_the_subject_says_how_many_more(alerting, database_url):
    await report(alerting, *(a_failing_event(f"wf-{number}") for number in range(3)))

    (mail,) = await eventually(lambda: caught(alerting))
    assert mail.subject == "[CRITICAL] Lead follow-up failed 3× in 24 h (+2)"
    ids = {each.message_id for each in await deliveries_of(alerting)}
    assert len(ids) == 1
    assert mail.message_id == f"<{ids.pop()}@agency.example>"


async def test_a_summary_waits_for_no_company_and_goes_alone(alerting, database_url):
    await report(alerting, a_low_score(), a_completed_scan())

    (mail,) = await eventually(lambda: caught(alerting))

    assert mail.subject == "[INFO] Scan complete: 2 new, 1 fixed, 5 known"


async def test_warnings_wait_for_company_and_a_critical_does_not(alerting, database_url):
    await report(alerting, a_low_score("wf-1"))
    set_clock(database_url, NOON + timedelta(seconds=20))
    await report(alerting, a_low_score("wf-2"), a_failing_event("wf-3"))
    await eventually(lambda: caught(alerting))
    at_once = await caught(alerting)

    await look_at(alerting, database_url, NOON + timedelta(seconds=29))
    not_yet = await caught(alerting)
    await look_at(alerting, database_url, NOON + timedelta(seconds=30))

    assert [each.subject[:10] for each in at_once] == ["[CRITICAL]"]
    assert len(not_yet) == 1

    async def two():
        found = await caught(alerting)
        return found if len(found) == 2 else None

    folded, _ = await eventually(two)
    assert folded.subject == "[WARNING] Lead follow-up has a health score of 41 (+1)"
