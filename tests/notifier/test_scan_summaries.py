"""When the summary of a scan is told."""

import asyncio
from datetime import UTC, datetime

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    an_event,
    caught,
    configure,
    deliveries_of,
    report,
)
from tests.support.waiting import eventually

NOON = datetime.now(UTC).replace(microsecond=0)


def a_scan(scan_id="scan-1", **counts):
    return an_event(scan_completed=pb.ScanCompleted(scan_id=scan_id, **counts))


@pytest.mark.parametrize(
    ("wanted", "scan", "reason"),
    [
        (pb.SCAN_SUMMARY_ALWAYS, {"known_issues": 5}, ""),
        (pb.SCAN_SUMMARY_ON_CHANGE, {"known_issues": 5}, "nothing_changed"),
        (pb.SCAN_SUMMARY_ON_CHANGE, {"new_issues": 1}, ""),
        (pb.SCAN_SUMMARY_ON_CHANGE, {"fixed_issues": 1}, ""),
        (pb.SCAN_SUMMARY_ON_CHANGE, {"partial": True}, ""),
        (pb.SCAN_SUMMARY_NEVER, {"new_issues": 1}, "no_summaries"),
    ],
)
async def test_a_summary_is_told_as_wanted(notifier, wanted, scan, reason):
    await configure(notifier, alert_email=EMAIL, scan_summary=wanted)

    await report(notifier, a_scan(**scan))

    (delivery,) = await deliveries_of(notifier)
    assert delivery.suppressed_because == reason


async def test_one_scan_is_summed_up_once_even_if_two_replicas_finish_it(start):
    replicas = [await start(), await start()]
    await configure(replicas[0], alert_email=EMAIL)

    await asyncio.gather(*(report(each, a_scan(new_issues=2)) for each in replicas * 5))

    await eventually(lambda: caught(replicas[0]))
    assert len(await deliveries_of(replicas[0])) == 1


async def test_the_summary_says_what_is_new_fixed_and_known(notifier):
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_scan(new_issues=2, fixed_issues=1, known_issues=5))

    (mail,) = await eventually(lambda: caught(notifier))
    assert mail.subject == "[INFO] Scan complete: 2 new, 1 fixed, 5 known"
