"""What messages say."""

from datetime import UTC, datetime

import pytest

from services.notifier.domain.event import (
    CriticalFinding,
    Event,
    RecordingGap,
    RecordingGapOver,
    ScanCompleted,
    Severity,
    WorkflowFailing,
    WorkflowRecovered,
)
from services.notifier.domain.incident import Incident, IncidentStatus
from services.notifier.domain.links import Links
from services.notifier.domain.message import opening, resolution, summary

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LINKS = Links("https://watch.example/")


def an_event(detail, location_id="loc-1"):
    return Event("e-1", location_id, NOON, detail)


def an_incident(**changes):
    values = {
        "incident_id": "i-1",
        "location_id": "loc-1",
        "dedup_key": "fail:wf-1",
        "status": IncidentStatus.RESOLVED,
        "severity": Severity.CRITICAL,
        "title": "",
        "workflow_id": "wf-1",
        "workflow_name": "",
        "event_count": 1,
        "failure_count": 4,
        "opened_at": datetime(2026, 11, 23, 10, tzinfo=UTC),
        "last_event_at": NOON,
        "resolved_at": NOON,
    }
    return Incident(**values | changes)


def facts(message):
    return {each.label: each.text for each in message.facts}


FAILING = WorkflowFailing(
    workflow_id="wf-1",
    workflow_name="Lead follow-up",
    failure_count=3,
    failure_threshold=3,
    time_window_hours=24,
)


def test_a_failing_workflow_is_told_with_what_is_known_and_without_what_is_not():
    message = opening(an_event(FAILING), NOON, an_incident(), LINKS)

    assert facts(message) == {
        "Workflow": "Lead follow-up (wf-1)",
        "Failures": "3 (alert from 3 in 24 h)",
        "Location": "loc-1",
        "Reported": "2026-11-23 12:00:00 UTC",
    }
    assert message.link == "https://watch.example/l/loc-1/workflows/wf-1"
    assert message.settings_link == "https://watch.example/l/loc-1/settings/alerts"


def test_the_end_tells_when_it_began_and_stands_for_itself():
    recovered = WorkflowRecovered(workflow_id="wf-1", recovered_at=NOON)

    message = resolution(an_event(recovered), NOON, an_incident(), LINKS)

    assert message.subject == "[RESOLVED] wf-1 succeeded again after 4 failures"
    assert facts(message)["Began"] == "2026-11-23 10:00:00 UTC"
    assert facts(message)["Was over"] == "2026-11-23 12:00:00 UTC"


def test_a_scan_that_could_not_read_everything_says_so():
    scan = ScanCompleted(scan_id="s-1", workflows_scanned=1, partial=True)

    message = summary(an_event(scan), NOON, LINKS)

    assert facts(message)["Scanned"] == "1 workflow (not everything could be read)"
    assert "Health score" not in facts(message)
    assert message.link == "https://watch.example/l/loc-1/scans/s-1"


@pytest.mark.parametrize("name", ["a/b?c#d", "../../admin", "<script>", "ü"])
def test_ids_of_strangers_do_not_lead_a_link_astray(name):
    finding = CriticalFinding(scan_id="s-1", workflow_id=name, title="x")

    link = opening(an_event(finding, location_id=name), NOON, an_incident(), LINKS).link

    path = link.removeprefix("https://watch.example/l/")
    assert path.count("/") == 2
    assert not set("?#<> ") & set(path)


def test_a_long_name_leaves_room_for_what_happened():
    failing = WorkflowFailing(
        workflow_id="wf-1", workflow_name="n" * 200, failure_count=3, time_window_hours=24
    )

    message = opening(an_event(failing), NOON, an_incident(), LINKS)

    assert message.subject.endswith("… failed 3× in 24 h")
    assert len(message.subject) < 120


def test_a_gap_says_from_when_until_when():
    midnight = NOON.replace(day=24, hour=0)

    def title(gap):
        return opening(an_event(gap, ""), NOON, an_incident(), LINKS).title

    assert title(RecordingGap(start=NOON, end=NOON.replace(hour=15))) == (
        "Nothing could be recorded from 12:00 to 15:00 UTC on 2026-11-23 (3 h)"
    )
    assert title(RecordingGapOver(start=NOON, end=midnight, execution_count=1)) == (
        "Recording gap from 2026-11-23 12:00 to 2026-11-24 00:00 UTC (12 h): 1 execution came later"
    )
    assert title(RecordingGap(start=NOON, end=NOON.replace(second=54))) == (
        "Nothing could be recorded from 12:00:00 to 12:00:54 UTC on 2026-11-23 (1 min)"
    )
    assert title(RecordingGap()) == "Nothing could be recorded for a while"
