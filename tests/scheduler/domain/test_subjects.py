"""Which workflows a scan looks at."""

from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.domain.evidence import WorkflowSnapshot, WorkflowStatus
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.domain.subject import SeenWorkflow, in_scope, subjects
from services.scheduler.domain.upload import KeptDefinition, Origin
from services.scheduler.domain.workflow import KnownWorkflow, ListedWorkflow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATELY, LONG_AGO = NOW - timedelta(days=29), NOW - timedelta(days=31)
PUBLISHED, DRAFT = WorkflowStatus.PUBLISHED, WorkflowStatus.DRAFT
NEVER_SCANNED = object()


def seen(at=LATELY):
    return SeenWorkflow("wf", "As ingestion saw it", at)


def known(status, before=NEVER_SCANNED, *, gone=False):
    return KnownWorkflow(
        listed=ListedWorkflow(workflow_id="wf", name="As listed", status=status),
        first_seen_at=LONG_AGO,
        last_seen_at=LATELY,
        vanished_at=LATELY if gone else None,
        previous=None if before is NEVER_SCANNED else WorkflowSnapshot(before),
    )


def uploaded(status):
    return KeptDefinition(
        workflow_id="wf", origin=Origin.UPLOAD, read_at=LATELY, name="As uploaded", status=status
    )


def scanned(scope, *, list_read, seen=None, known=None, upload=None):
    found = subjects(
        [seen] if seen else [],
        {"wf": known} if known else {},
        {"wf": upload} if upload else {},
        list_read=list_read,
    )
    return bool(in_scope(found, scope, (), NOW)[0])


@pytest.mark.parametrize(
    ("facts", "active"),
    [
        ({"list_read": False, "seen": seen()}, True),
        ({"list_read": False, "seen": seen(LONG_AGO)}, False),
        ({"list_read": False, "seen": seen(None)}, False),
        ({"list_read": False, "upload": uploaded("published")}, True),
        ({"list_read": False, "upload": uploaded("draft"), "seen": seen()}, False),
        ({"list_read": False, "upload": uploaded("")}, False),
        ({"list_read": False, "upload": uploaded(""), "seen": seen()}, True),
        ({"list_read": False, "known": known("published")}, True),
        ({"list_read": False, "known": known("draft"), "seen": seen()}, False),
        ({"list_read": True, "known": known("published")}, True),
        ({"list_read": True, "known": known("draft"), "seen": seen()}, False),
        ({"list_read": True, "known": known("paused"), "seen": seen()}, True),
        ({"list_read": True, "known": known("draft", PUBLISHED)}, True),
        ({"list_read": True, "known": known("draft", DRAFT)}, False),
        ({"list_read": True, "known": known("published", PUBLISHED, gone=True)}, True),
        ({"list_read": True, "known": known("published", None, gone=True)}, False),
        ({"list_read": True, "seen": seen()}, False),
    ],
)
def test_active(facts, active):
    assert scanned(ScanScope.ACTIVE, **facts) is active


@pytest.mark.parametrize(
    ("facts", "looked_at"),
    [
        ({"list_read": True, "known": known("draft")}, True),
        ({"list_read": True, "seen": seen(LONG_AGO)}, True),
        ({"list_read": True, "upload": uploaded("draft")}, True),
        ({"list_read": True, "known": known("draft", DRAFT, gone=True)}, True),
        ({"list_read": True, "known": known("draft", None, gone=True)}, False),
        ({"list_read": True, "known": known("draft", None, gone=True), "seen": seen()}, True),
    ],
)
def test_all(facts, looked_at):
    assert scanned(ScanScope.ALL, **facts) is looked_at


@pytest.mark.parametrize(("list_read", "unknown"), [(True, []), (False, ["wf-b"])])
def test_selected_ones_are_unknown_only_while_the_list_is(list_read, unknown):
    chosen = ("wf-b", "wf")
    found = subjects([seen()], {}, {}, list_read=list_read, selected=chosen)

    wanted, lost = in_scope(found, ScanScope.SELECTED, chosen, NOW)

    assert lost == unknown
    assert [each.workflow_id for each in wanted] == [each for each in chosen if each not in unknown]
    assert all(each.selected for each in wanted)


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        ({"seen": seen(), "known": known("draft"), "upload": uploaded("")}, "As listed"),
        ({"seen": seen(), "upload": uploaded("")}, "As ingestion saw it"),
        ({"upload": uploaded("")}, "As uploaded"),
    ],
)
def test_the_lists_name_comes_first(sources, name):
    found = subjects(
        [sources["seen"]] if "seen" in sources else [],
        {"wf": sources["known"]} if "known" in sources else {},
        {"wf": sources["upload"]} if "upload" in sources else {},
        list_read=True,
    )

    assert found["wf"].name == name
