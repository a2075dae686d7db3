"""Messages as the channels get them."""

from dataclasses import replace
from datetime import timedelta

from services.notifier.domain.delivery import Parcel
from services.notifier.domain.event import Severity
from services.notifier.domain.folding import folded
from services.notifier.domain.links import Links
from services.notifier.domain.message import opening, resolution, summary, trial, with_affected
from services.notifier.domain.pace import MOST_FOLDED
from services.notifier.domain.target import Target
from services.notifier.translate.events import event_from
from tests.notifier.builders import (
    NOW,
    a_completed_scan,
    a_critical_finding,
    a_failing_event,
    a_low_score,
    a_recovery,
    an_expired_connection,
)
from tests.notifier.domain.test_wording import an_incident

LINKS = Links("https://watch.example")
HOSTILE = '<!channel> & *bold* _x_ `c` @everyone [l](https://evil.example) "\r\nBcc: a@b'


def opened(**event):
    return opening(event_from(a_failing_event(**event)), NOW, an_incident(), LINKS)


def every_sort():
    """Gives one message of every sort."""
    scan = event_from(a_completed_scan())
    return [
        opened(),
        opening(event_from(a_critical_finding()), NOW, an_incident(), LINKS),
        opening(event_from(a_low_score()), NOW, an_incident(severity=Severity.WARNING), LINKS),
        summary(scan, NOW, LINKS),
        resolution(event_from(a_recovery()), NOW, an_incident(), LINKS),
        trial("loc-1", NOW, LINKS),
    ]


def the_longest(channel):
    """Gives a message with as much in it as one may hold."""
    names = [f"{number:03} {HOSTILE * 20}" for number in range(MOST_FOLDED[channel])]
    messages = [opened(workflow_name=each, error_message=each) for each in names]
    return folded(
        [replace(each, link="https://watch.example/" + "x" * 90) for each in messages], LINKS
    )


def standing_for(number):
    """Gives a message of an incident that stands for so many others, with names as long as may be."""
    affected = [
        replace(
            an_incident(),
            incident_id=f"01a2274f-8f1c-728d-aeaa-{each:012}",
            location_id=f"loc-{each}",
            title=f"{'漢' * 80} failed 3× in 24 h",
        )
        for each in range(number)
    ]
    expired = opening(event_from(an_expired_connection()), NOW, an_incident(), LINKS)
    return with_affected(expired, affected, LINKS, {})


def parcel_of(channel, frozen, *, address="", secrets=(), options=None):
    return Parcel(
        message_id="msg-1",
        location_id="loc-1",
        target_id="t-1",
        incident_id=None,
        address=address,
        secrets=secrets,
        frozen=frozen,
        created_at=NOW - timedelta(seconds=1),
        options=options or {},
    )


def a_target(channel, **more):
    return Target("t-1", "loc-1", channel, "", **more)
