"""What messages say of what was not told."""

from dataclasses import replace

import pytest

from services.notifier.domain.event import NeverFinished, ScoreLow, WorkflowFailing
from services.notifier.domain.folding import folded
from services.notifier.domain.message import late_opening, opening, raised, reminder, resolution
from services.notifier.domain.quiet import Untold, quieted
from tests.notifier.domain.test_wording import LINKS, NOON, an_event, an_incident

FAILING = WorkflowFailing(workflow_id="wf-1", new_failures=3)
STUCK = NeverFinished(workflow_id="wf-1", new_runs=2)
LOW = ScoreLow(scan_id="s", workflow_id="wf-1", score=20)
INCIDENT = an_incident(failure_count=10, event_count=4)


def untold(since_last, *, counted=10, is_first=False, key="fail:wf-1"):
    return Untold("loc-1", key, counted, since_last, is_first=is_first)


def opened(detail=FAILING):
    return opening(an_event(detail), NOON, INCIDENT, LINKS)


def ended():
    return resolution(an_event(FAILING), NOON, INCIDENT, LINKS)


@pytest.mark.parametrize(
    ("message", "since", "said"),
    [
        (opened(), untold(40), 37),
        (opened(), untold(3), 0),
        (opened(), untold(2), 0),
        (opened(STUCK), untold(12), 10),
        (opened(LOW), untold(5), 4),
        (raised(an_event(LOW), NOON, INCIDENT, LINKS), untold(5), 4),
        (reminder(INCIDENT, NOON, LINKS), untold(7), 7),
        (ended(), untold(6), 6),
        (ended(), untold(10, counted=10, is_first=True), 0),
        (ended(), untold(15, counted=10, is_first=True), 5),
        (late_opening(INCIDENT, NOON, LINKS), untold(10, is_first=True), 0),
        (opened(), None, 0),
    ],
)
def test_a_message_says_what_it_does_not_tell_by_itself(message, since, said):
    (found,) = quieted([message], [since])

    assert found.suppressed_since_last == said
    shown = [fact.text for fact in found.facts if fact.label == "While quiet"]
    assert bool(shown) == bool(said)
    assert found.document["data"]["suppressed_since_last"] == said


def test_of_several_about_the_same_the_last_says_it_and_those_told_are_taken_off():
    found = quieted([opened(), reminder(INCIDENT, NOON, LINKS)], [untold(20), untold(20)])

    assert [each.suppressed_since_last for each in found] == [0, 17]


def test_each_kind_is_counted_by_itself():
    found = quieted([opened(), opened()], [untold(13), untold(5, key="fail:wf-2")])

    assert [each.suppressed_since_last for each in found] == [10, 2]
    together = folded(found, LINKS)
    assert together.document["data"]["suppressed_since_last"] == 12
    (listing,) = together.listings
    assert [each.rpartition(" (")[2] for each in listing.lines] == [
        "+10 while quiet)", "+2 while quiet)",
    ]  # fmt: skip


def test_a_long_line_is_cut_before_the_number():
    message = replace(opened(), title="x" * 500, suppressed_since_last=37)

    (listing,) = folded([message, message], LINKS).listings

    assert all(each.endswith(" (+37 while quiet)") for each in listing.lines)
    assert all(len(each.encode()) <= 150 for each in listing.lines)


@pytest.mark.parametrize(("number", "text"), [(1, "+1 failure"), (2, "+2 failures")])
def test_the_number_has_a_unit(number, text):
    (found,) = quieted([reminder(INCIDENT, NOON, LINKS)], [untold(number)])

    assert found.facts[0].text == text
