"""What a reported state changes about the one that is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.ingestion.domain.change import WorkflowChange, WorkflowState, change

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=3)
KNOWN = WorkflowChange(changed_at=BEFORE, name="Welcome", status="published", version=23)
SAME = WorkflowState(
    workflow_id="wf", name="Welcome", status="published", version=23, changed_at=BEFORE
)


def test_the_first_report_is_a_change_from_nothing():
    found = change(SAME, None, now=NOW)
    assert found == KNOWN


@pytest.mark.parametrize(
    ("told", "became"),
    [
        ({"version": 24}, (24, "published", "Welcome")),
        ({"status": "draft"}, (23, "draft", "Welcome")),
        ({"name": "Hello"}, (23, "published", "Hello")),
        ({"changed_at": NOW}, (23, "published", "Welcome")),
        ({"changed_at": None, "version": 24}, (24, "published", "Welcome")),
        ({"version": 24, "name": "", "status": ""}, (24, "published", "Welcome")),
    ],
)
def test_what_differs_is_a_change_from_what_was_known(told, became):
    found = change(replace(SAME, **{"changed_at": NOW, **told}), KNOWN, now=NOW)
    assert found is not None
    assert (found.version, found.status, found.name) == became
    assert found.changed_at == NOW
    assert (found.previous_version, found.previous_status, found.previous_name) == (
        23,
        "published",
        "Welcome",
    )


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"changed_at": None},
        {"changed_at": None, "name": "", "status": "", "version": None},
        {"changed_at": BEFORE - timedelta(hours=1), "version": 22},
    ],
)
def test_the_same_again_and_what_is_older_change_nothing(told):
    assert change(replace(SAME, **told), KNOWN, now=NOW) is None


def test_a_time_ahead_of_the_clock_is_none():
    ahead = replace(SAME, changed_at=NOW + timedelta(seconds=1))
    assert ahead.told_at(NOW).changed_at is None
    assert SAME.told_at(NOW) == SAME
