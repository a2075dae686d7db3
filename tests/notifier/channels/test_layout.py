"""How mails look, whatever strangers call their workflows."""

import html
import re
from html.parser import HTMLParser

import pytest

from libs.clock import FixedClock
from services.notifier.channels.layout import MailLayout
from services.notifier.domain.links import Links
from services.notifier.domain.message import Occasion, opening, resolution, summary, trial
from services.notifier.domain.passes import Passes
from services.notifier.domain.target import Channel, Target
from services.notifier.translate.events import event_from
from tests.notifier.builders import (
    EMAIL,
    KEY,
    NOW,
    a_completed_scan,
    a_critical_finding,
    a_failed_scan,
    a_failing_event,
    a_low_score,
    a_recovery,
)
from tests.notifier.domain.test_wording import an_incident

LINKS = Links("https://watch.example")
LAYOUT = MailLayout(Passes([KEY], "https://watch.example"), FixedClock(NOW))
TARGET = Target("t-1", "loc-1", Channel.EMAIL, EMAIL)
HOSTILE = "<img src=x onerror=alert(1)>\r\nBcc: a@b.example {{ 7*7 }} & \"'"


def opened(message):
    event = event_from(message)
    return opening(event, NOW, an_incident(severity=event.severity), LINKS)


MESSAGES = [
    opened(a_failing_event()),
    opened(a_critical_finding()),
    opened(a_low_score()),
    opened(a_failed_scan()),
    summary(event_from(a_completed_scan()), NOW, LINKS),
    resolution(event_from(a_recovery()), NOW, an_incident(), LINKS),
    trial("loc-1", NOW, LINKS),
]


class Seen(HTMLParser):
    """What a reader sees of a page, and what its tags do."""

    def __init__(self, page):
        super().__init__()
        self.text = ""
        self.tags = []
        self.links = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.subject)
def test_text_and_html_tell_the_same_facts(message):
    frozen = LAYOUT.freeze(message, TARGET)
    seen = Seen(frozen.html)

    told = [message.title, *(fact.label for fact in message.facts)]
    told += [fact.text for fact in message.facts]
    told += [line for listing in message.listings for line in listing.lines]
    assert len(message.facts) >= 3
    for each in told:
        assert each in frozen.text
        assert each in seen.text
    assert message.link in frozen.text
    signed = {each for each in seen.links if each.startswith("https://watch.example/a/")}
    assert set(seen.links) - signed == {message.link, message.settings_link}
    assert all(each in frozen.text for each in signed)
    assert len(signed) == (4 if message.occasion is Occasion.OPENED else 1)
    assert len(frozen.html) < 30_000


def test_a_hostile_name_does_no_harm():
    event = a_failing_event(workflow_name=HOSTILE, error_message=HOSTILE)
    plain = Seen(LAYOUT.freeze(opened(a_failing_event()), TARGET).html)

    frozen = LAYOUT.freeze(opened(event), TARGET)
    seen = Seen(frozen.html)

    assert seen.tags == plain.tags
    assert "<img src=x onerror=alert(1)> Bcc: a@b.example {{ 7*7 }} & \"'" in seen.text
    assert "\n" not in frozen.subject
    assert "\r" not in frozen.subject
    assert not re.search(r"^Bcc:", frozen.text, re.MULTILINE)


def test_what_has_no_spaces_is_broken_so_that_it_fits_a_telephone():
    frozen = LAYOUT.freeze(opened(a_failing_event(error_message="x" * 400)), TARGET)

    outer = frozen.html.index("max-width:600px")
    assert "word-break:break-word" in frozen.html[outer : frozen.html.index(">", outer)]


def test_much_to_say_still_makes_a_small_mail():
    event = a_low_score()
    event.score_low.deductions.extend(["<" * 5000] * 200)

    frozen = LAYOUT.freeze(opened(event), TARGET)

    assert len(html.unescape(frozen.html)) < 30_000
    assert len(frozen.html.encode()) < 100_000


@pytest.mark.parametrize(
    ("message", "colour"),
    [
        (MESSAGES[0], "#c62828"),
        (MESSAGES[2], "#b45309"),
        (MESSAGES[4], "#1d4ed8"),
        (MESSAGES[5], "#15803d"),
    ],
    ids=["critical is red", "warning is orange", "info is blue", "resolved is green"],
)
def test_the_colour_tells_the_severity(message, colour):
    assert f"background:{colour}" in LAYOUT.freeze(message, TARGET).html


def test_the_text_reads_like_a_mail():
    text = LAYOUT.freeze(opened(a_failing_event()), TARGET).text

    assert text.startswith(
        "[CRITICAL] Lead follow-up failed 3× in 24 h\n"
        "\n"
        "Workflow: Lead follow-up (wf-1)\n"
        "Failures: 3 (alert from 3 in 24 h)\n"
    )
    assert "\nNewest failed executions:\n- ex-1\n- ex-2\n- ex-3\n" in text
    assert "\nOpen the workflow: https://watch.example/l/loc-1/workflows/wf-1\n" in text
    assert "\n\n\n" not in text
