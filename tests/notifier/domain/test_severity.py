"""How bad events are, and when an incident becomes more severe."""

from datetime import UTC, datetime

import pytest

from services.notifier.domain.event import DETAILS, Kind, ScoreLow, Severity, imagined, severity_of
from tests.notifier.domain.test_wording import an_event, an_incident

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CRITICAL, WARNING, INFO = Severity


@pytest.mark.parametrize(
    ("score", "severity"), [(49, WARNING), (25, WARNING), (24, CRITICAL), (0, CRITICAL)]
)
def test_a_low_score_is_critical_below_25(score, severity):
    event = an_event(ScoreLow(scan_id="s", workflow_id="w", score=score))

    assert event.severity is severity


@pytest.mark.parametrize("kind", DETAILS)
def test_an_event_of_which_nothing_is_known_is_as_bad_as_its_kind(kind):
    assert imagined("loc-1", "wf-1", kind).severity is severity_of(kind)


def test_the_score_of_a_scan_says_nothing_of_how_bad_its_end_is():
    assert severity_of(Kind.SCAN_COMPLETED, 3) is INFO


@pytest.mark.parametrize(
    ("before", "event", "rises"),
    [
        (WARNING, CRITICAL, True),
        (WARNING, WARNING, False),
        (CRITICAL, WARNING, False),
        (CRITICAL, CRITICAL, False),
        (INFO, WARNING, True),
    ],
)
@pytest.mark.parametrize(
    ("attention", "asleep"),
    [
        ({}, False),
        ({"acknowledged_at": NOON}, False),
        ({"snoozed_until_worse": True}, False),
        ({"snoozed_until": NOON, "snoozed_until_worse": True}, False),
        ({"snoozed_until": NOON}, True),
    ],
)
def test_it_is_told_that_an_incident_becomes_more_severe(before, event, rises, attention, asleep):
    incident = an_incident(severity=before, **attention)

    assert incident.rises_to(event) is (rises and not asleep)
