"""What the list of workflows says differently from the last time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.evidence import WorkflowStatus
from services.scheduler.domain.workflow import (
    ChangeKind,
    KnownWorkflow,
    ListedWorkflow,
    changes,
    status_of,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


def listed(workflow_id="wf-1", name="Welcome", status="published", version=23, **more):
    return ListedWorkflow(
        workflow_id=workflow_id, name=name, status=status, version=version, **more
    )


def known(workflow, vanished_at=None):
    return KnownWorkflow(
        listed=workflow,
        first_seen_at=YESTERDAY,
        last_seen_at=YESTERDAY,
        vanished_at=vanished_at,
    )


def changed(before, now, *, whole=True):
    by_id = {each.listed.workflow_id: each for each in before}
    return list(changes(by_id, now, NOW, whole=whole))


@pytest.mark.parametrize(
    ("updated_at", "told"),
    [
        (NOW - timedelta(hours=3), NOW - timedelta(hours=3)),
        (None, NOW),
        (NOW + timedelta(hours=1), NOW),
        (YESTERDAY - timedelta(days=1), NOW),
    ],
    ids=["as told", "not told", "ahead of our clock", "before the last look"],
)
def test_a_change_has_the_time_ghl_tells_where_that_can_be(updated_at, told):
    [change] = changed([known(listed())], [listed(version=24, updated_at=updated_at)])

    assert (change.kind, change.changed_at) == (ChangeKind.CHANGED, told)
    assert (change.previous_version, change.version) == (23, 24)


def test_of_a_list_with_gaps_nothing_vanished():
    assert changed([known(listed())], [], whole=False) == []
    assert [each.kind for each in changed([known(listed())], [])] == [ChangeKind.VANISHED]


def test_what_vanished_before_does_not_vanish_again():
    assert changed([known(listed(), vanished_at=YESTERDAY)], []) == []


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("published", WorkflowStatus.PUBLISHED),
        ("Active ", WorkflowStatus.PUBLISHED),
        ("draft", WorkflowStatus.DRAFT),
        ("paused", None),
        ("", None),
    ],
)
def test_words_of_ghl(word, status):
    assert status_of(word) is status


WORKFLOWS = st.lists(
    st.builds(
        listed,
        workflow_id=st.sampled_from(["wf-1", "wf-2", "wf-3"]),
        version=st.integers(0, 3),
        status=st.sampled_from(["published", "draft"]),
    ),
    unique_by=lambda each: each.workflow_id,
)


@given(WORKFLOWS, WORKFLOWS)
def test_the_changes_lead_from_one_list_to_the_next(before, now):
    found = changed([known(each) for each in before], now)

    after = {each.workflow_id: each for each in before}
    for each in found:
        if each.kind is ChangeKind.VANISHED:
            del after[each.workflow_id]
        else:
            after[each.workflow_id] = listed(each.workflow_id, each.name, each.status, each.version)
    assert not before or after == {each.workflow_id: each for each in now}
    assert len(found) == len({each.workflow_id for each in found})


@given(WORKFLOWS)
def test_the_same_list_again_is_no_change(now):
    assert changed([known(each) for each in now], now) == []
