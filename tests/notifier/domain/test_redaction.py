"""What is left of a kept message when a contact is forgotten."""

import json

import pytest

from services.notifier.domain.event import Event, NeverFinished, SameError, WorkflowFailing
from services.notifier.domain.folding import packed, unpacked
from services.notifier.domain.links import Links
from services.notifier.domain.message import unfolded
from services.notifier.domain.redaction import REMOVED, content_without, title_without
from services.notifier.domain.target import Channel, Target
from services.notifier.domain.target_news import instead
from tests.notifier.builders import NOW

SAID = 'ana@example.org "is" unknown'
FAILING = WorkflowFailing(workflow_id="wf", error_message=SAID, execution_ids=("ex-1",))
LINKS = Links("https://watch.example")


def in_json(message):
    return json.loads(json.dumps(packed(message)))


def kept(detail):
    return in_json(unfolded(Event("e", "loc", NOW, detail), NOW, LINKS))


@pytest.mark.parametrize(
    ("detail", "left"),
    [
        (FAILING, ["ex-1", REMOVED]),
        (
            SameError(error_message=SAID, location_count=3),
            ["The same error in 3 locations", REMOVED],
        ),
        (NeverFinished(workflow_id="wf", run_ids=("ana", "run-bo")), ["run-bo"]),
        (NeverFinished(workflow_id="wf", run_ids=("ana",)), []),
    ],
)
def test_what_runs_said_is_gone_and_the_rest_can_still_be_told(detail, left):
    found = content_without(kept(detail), ["ana"])

    assert "ana" not in json.dumps(found)
    assert all(each in json.dumps(found) for each in left)
    assert all(each.lines for each in unpacked(found).listings)


def test_what_names_nobody_stays_as_it_is():
    found = kept(NeverFinished(workflow_id="wf", run_ids=("run-bo",)))
    assert content_without(found, ["ana"]) == found


def test_what_a_target_answered_goes_with_it():
    target = Target(
        target_id="t", location_id="loc", channel=Channel.WEBHOOK, address="https://a.b"
    )
    event = Event("e", "loc", NOW, FAILING)
    message = instead(unfolded(event, NOW, LINKS), target, f"400: I do not know {SAID}")
    assert "ana" not in json.dumps(content_without(in_json(message), []))


@pytest.mark.parametrize(
    ("title", "left"),
    [
        (
            "Over everywhere: The same error in 1 location: no",
            "Over everywhere: The same error in 1 location: ",
        ),
        ("Lead follow-up failed 3× in 24 h", None),
    ],
)
def test_only_titles_that_quote_an_error_change(title, left):
    assert title_without(title) == (title if left is None else f"{left}{REMOVED}")
