"""What was changed about a workflow before it failed, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.domain.change import WorkflowChange, since_change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 24, "previous_version": 23}, "v23 became v24"),
        (
            {"version": 24, "previous_version": 23, "status": "draft", "previous_status": "x"},
            "v23 became v24",
        ),
        (
            {
                "version": 7,
                "previous_version": 7,
                "status": "draft",
                "previous_status": "published",
            },
            "it went from published to draft",
        ),
        (
            {"version": 7, "previous_version": 7, "name": "New", "previous_name": "Old"},
            "“Old” was renamed to “New”",
        ),
        ({"version": 7, "previous_version": 7}, "it was edited"),
        ({"version": 7, "previous_status": "published", "status": "published"}, "v7 was saved"),
    ],
)
def test_the_most_telling_difference_is_named(change, said):
    found = since_change(WorkflowChange(changed_at=NOON, **change), NOON + timedelta(minutes=14))

    assert found == f"first failure 14 min after {said}"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(seconds=20), "0 min"),
        (timedelta(minutes=99), "99 min"),
        (timedelta(minutes=100), "2 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=3, hours=5), "3 days"),
    ],
)
def test_how_long_after(after, said):
    change = WorkflowChange(changed_at=NOON, version=2, previous_version=1)

    assert since_change(change, NOON + after) == f"first failure {said} after v1 became v2"


@pytest.mark.parametrize(
    ("change", "first_failure_at"),
    [
        (WorkflowChange(changed_at=NOON, version=2, previous_version=1), None),
        (WorkflowChange(version=2, previous_version=1), NOON),
        (WorkflowChange(changed_at=NOON, version=2, status="published", name="New"), NOON),
    ],
    ids=["no failure since", "no time", "the first state that is known"],
)
def test_without_both_nothing_is_said(change, first_failure_at):
    assert since_change(change, first_failure_at) == ""
