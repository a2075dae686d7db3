"""What a scan tells the notifier, and when it keeps silent."""

import json
from dataclasses import fields
from datetime import timedelta

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from services.scheduler.domain import events
from services.scheduler.domain.comparison import Standing, compare
from services.scheduler.domain.events import (
    ConnectionExpired,
    ConnectionRemoved,
    ConnectionRestored,
    CriticalFindingEvent,
    EventKindUnknown,
    FindingFixed,
    LowScoreAlert,
    ScanCompleted,
    ScanFacts,
    ScanFailed,
    ScheduleOverdue,
    ScoreLow,
    ScoreRecovered,
    announced,
    from_payload,
)
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.score import Deduction, Score
from services.scheduler.domain.summary import Baseline, summarized
from tests.scheduler.domain.making import NOW, a_finding, a_result, known_as

DAY = timedelta(days=1)
OUTAGE = a_finding("GHL402", base_penalty=55)
EXPIRED = a_finding("GHL404", base_penalty=35)
WARNING = a_finding("GHL403", severity=Severity.WARNING, base_penalty=10)


def a_scan(*results, known=(), **more):
    comparison = compare(results, known_as(Standing.OPEN, *known))
    return ScanFacts(
        **{
            "location_id": "loc-1",
            "scan_id": "scan-2",
            "trigger": "schedule",
            "partial": False,
            "started_at": NOW - timedelta(seconds=9),
            "completed_at": NOW,
            "results": results,
            "comparison": comparison,
            "summary": summarized(results, comparison, Baseline(scan_id="scan-1")),
        }
        | more
    )


def scored(value, *findings, **more):
    lines = tuple(Deduction(each.title, each.rule_id, each.penalty) for each in findings)
    return a_result("wf-1", score=Score(value, lines), findings=findings, **more)


def kinds(announcement):
    return [type(event) for event in announcement.events]


def standing(*rule_ids, ago=timedelta(hours=1)):
    return {"wf-1": LowScoreAlert(frozenset(rule_ids), NOW - ago)}


def test_a_completed_scan_is_always_told():
    (completed,) = announced(a_scan(scored(90), partial=True), {}).events

    assert completed == ScanCompleted(
        location_id="loc-1",
        scan_id="scan-2",
        occurred_at=NOW,
        trigger="schedule",
        workflows_scanned=1,
        issues_found=0,
        critical_issues=0,
        new_issues=0,
        fixed_issues=0,
        known_issues=0,
        score=90,
        partial=True,
        started_at=NOW - timedelta(seconds=9),
        completed_at=NOW,
        summary="1 workflow scanned: nothing found. Score 90.",
        worst_workflows=("Name of wf-1: 90",),
    )


def test_a_critical_finding_is_told_when_it_is_new():
    event, _ = announced(a_scan(scored(65, EXPIRED, WARNING)), {}).events

    assert event == CriticalFindingEvent(
        location_id="loc-1",
        scan_id="scan-2",
        occurred_at=NOW,
        workflow_id="wf-1",
        workflow_name="Lead follow-up",
        rule_id="GHL404",
        title="Title of GHL404",
        evidence="It was seen.",
        remedy="Repair it.",
        fingerprint=EXPIRED.fingerprint,
    )


def test_a_critical_finding_that_is_known_is_not_told_again():
    scan = a_scan(scored(65, EXPIRED), known=[EXPIRED])

    assert kinds(announced(scan, {})) == [ScanCompleted]


def test_a_critical_finding_that_is_back_is_told_again():
    results = [scored(65, EXPIRED)]
    scan = a_scan(*results, comparison=compare(results, known_as(Standing.FIXED, EXPIRED)))

    assert kinds(announced(scan, {})) == [CriticalFindingEvent, ScanCompleted]


def test_a_critical_finding_of_a_draft_is_told_when_the_draft_is_published():
    for draft, told in ((True, []), (False, [CriticalFindingEvent])):
        results = [scored(65, EXPIRED, draft=draft)]
        comparison = compare(results, known_as(Standing.DRAFT, EXPIRED))

        assert kinds(announced(a_scan(*results, comparison=comparison), {})) == [
            *told,
            ScanCompleted,
        ]


def test_that_a_workflow_is_a_draft_now_is_told():
    stopped = a_finding("GHL101", about_draft=True)
    scan = a_scan(scored(60, stopped, OUTAGE, draft=True))

    told = [each for each in announced(scan, {}).events if isinstance(each, CriticalFindingEvent)]

    assert [each.rule_id for each in told] == ["GHL101"]


def test_of_a_finding_that_was_fixed_in_a_draft_nothing_is_told():
    results = [scored(100, assessed_rule_ids=("GHL404",))]
    comparison = compare(results, known_as(Standing.DRAFT, EXPIRED))

    assert comparison.fixed
    assert kinds(announced(a_scan(*results, comparison=comparison), {})) == [ScanCompleted]


def test_a_critical_finding_that_is_ignored_is_not_told():
    assert kinds(announced(a_scan(scored(65, ignored=(EXPIRED,))), {})) == [ScanCompleted]


def test_a_score_below_50_is_told_with_its_arithmetic():
    announcement = announced(a_scan(scored(45, OUTAGE)), {})
    _, low, _ = announcement.events

    assert isinstance(low, ScoreLow)
    assert (low.workflow_id, low.score) == ("wf-1", 45)
    assert low.deductions == ("-55 Title of GHL402 (GHL402)",)
    assert announcement.low_scores == {"wf-1": LowScoreAlert(frozenset({"GHL402"}), NOW)}


def test_lines_that_give_points_back_are_told_with_their_sign():
    lines = (Deduction("Failing", "GHL401", 90), Deduction("floor at 0", "", -12.5))
    low = announced(a_scan(a_result(score=Score(0, lines))), {}).events[0]

    assert low.deductions == ("-90 Failing (GHL401)", "+12.5 floor at 0")


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        (standing("GHL402"), False),
        (standing("GHL402", ago=DAY - timedelta(seconds=1)), False),
        (standing("GHL402", ago=DAY), True),
        (standing("GHL404"), True),
        (standing("GHL402", "GHL404"), True),
        (standing(), True),
        ({}, True),
    ],
)
def test_a_low_score_is_told_again_for_other_critical_rules_or_after_a_day(alerts, told):
    scan = a_scan(scored(45, OUTAGE, WARNING), known=[OUTAGE])
    announcement = announced(scan, alerts)

    assert (ScoreLow in kinds(announcement)) is told
    assert announcement.low_scores == (
        {"wf-1": LowScoreAlert(frozenset({"GHL402"}), NOW)} if told else alerts
    )


@pytest.mark.parametrize(
    ("before", "now", "told"), [(7, 8, True), (7, 7, False), (None, 8, False), (7, None, False)]
)
def test_a_low_score_is_told_again_for_another_version(before, now, told):
    alert = LowScoreAlert(frozenset({"GHL402"}), NOW - timedelta(hours=1), before)
    scan = a_scan(scored(45, OUTAGE, version=now), known=[OUTAGE])

    assert (ScoreLow in kinds(announced(scan, {"wf-1": alert}))) is told


@pytest.mark.parametrize(
    ("critical_before", "score", "told"),
    [(False, 25, False), (False, 24, True), (True, 24, False), (True, 30, False)],
)
def test_a_low_score_is_told_again_when_it_becomes_critical(critical_before, score, told):
    alert = LowScoreAlert(frozenset({"GHL402"}), NOW - timedelta(hours=1), critical=critical_before)
    scan = a_scan(scored(score, OUTAGE), known=[OUTAGE])
    announcement = announced(scan, {"wf-1": alert})

    assert (ScoreLow in kinds(announcement)) is told
    assert announcement.low_scores["wf-1"].critical is (critical_before or told)


@pytest.mark.parametrize("score", [50, 59, None])
def test_between_low_and_recovered_and_without_a_score_an_alert_stands(score):
    announcement = announced(a_scan(scored(score)), standing("GHL402"))

    assert kinds(announcement) == [ScanCompleted]
    assert announcement.low_scores == standing("GHL402")


def test_a_score_of_60_is_told_as_recovered_and_ends_the_alert():
    announcement = announced(a_scan(scored(60)), standing("GHL402"))

    assert kinds(announcement) == [ScoreRecovered, ScanCompleted]
    assert announcement.low_scores == {}


def test_a_good_score_without_an_alert_is_no_recovery():
    assert kinds(announced(a_scan(scored(100)), {})) == [ScanCompleted]


def test_of_drafts_nothing_is_told():
    announcement = announced(a_scan(scored(0, OUTAGE, draft=True)), {})

    assert kinds(announcement) == [ScanCompleted]
    assert announcement.low_scores == {}


def test_alerts_on_workflows_that_were_not_scanned_stand():
    elsewhere = {"wf-9": LowScoreAlert(frozenset(), NOW - DAY)}

    assert announced(a_scan(scored(90)), elsewhere).low_scores == elsewhere


def test_the_alerts_that_were_passed_in_are_left_alone():
    before = standing("GHL402")
    announced(a_scan(scored(100)), before)

    assert before == standing("GHL402")


def fixed_in(*results, fixed):
    told = announced(a_scan(*results, known=fixed), {}).events
    return [event for event in told if isinstance(event, FindingFixed)]


def test_a_critical_finding_that_is_gone_is_told_as_fixed():
    well = scored(100, assessed_rule_ids=("GHL402", "GHL403"))

    (told,) = fixed_in(well, fixed=[OUTAGE, WARNING])

    assert told.fingerprint == OUTAGE.fingerprint
    assert told.workflow_id == OUTAGE.workflow_id


def test_what_could_not_be_looked_at_again_is_not_told_as_fixed():
    assert fixed_in(scored(100, assessed_rule_ids=("GHL403",)), fixed=[OUTAGE]) == []
    assert fixed_in(fixed=[OUTAGE]) == []


EVERY_KIND = [
    *announced(a_scan(scored(45, OUTAGE)), {}).events,
    *announced(a_scan(scored(None)), {}).events,
    *fixed_in(scored(100, assessed_rule_ids=("GHL402",)), fixed=[OUTAGE]),
    announced(a_scan(scored(60)), standing()).events[0],
    ScanFailed(
        location_id="loc-1", scan_id="scan-2", occurred_at=NOW, error="ingestion away", attempts=3
    ),
    ConnectionExpired(location_id="loc-1", occurred_at=NOW, error="401"),
    ConnectionRestored(location_id="loc-1", occurred_at=NOW),
    ConnectionRemoved(location_id="loc-1", occurred_at=NOW, removed_by="Owner"),
    ScheduleOverdue(location_id="loc-1", occurred_at=NOW, due_at=NOW - DAY, last_scan_at=None),
    ScheduleOverdue(location_id="loc-1", occurred_at=NOW, due_at=NOW, last_scan_at=NOW - DAY),
]


def test_the_examples_are_of_every_kind_and_the_notifier_takes_them():
    taken = pb.Event.DESCRIPTOR.oneofs_by_name["detail"].fields

    assert {event.kind for event in EVERY_KIND} == set(events._KINDS)

    assert {event.kind for event in EVERY_KIND} <= {field.name for field in taken}


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.kind)
def test_an_event_goes_through_json_and_back(event):
    written = json.loads(json.dumps(event.to_payload()))

    assert from_payload(event.kind, written) == event


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.kind)
def test_an_event_says_all_that_the_notifiers_contract_asks(event):
    detail = pb.Event.DESCRIPTOR.oneofs_by_name["detail"]
    asked = {field.name: field.message_type.fields_by_name.keys() for field in detail.fields}
    envelope = {field.name for field in fields(events.Event)}

    assert set(asked[event.kind]) == {field.name for field in fields(event)} - envelope


def test_an_event_of_an_earlier_release_is_read_without_what_it_did_not_know():
    (fixed,) = fixed_in(scored(100, assessed_rule_ids=("GHL402",)), fixed=[OUTAGE])
    written = {key: value for key, value in fixed.to_payload().items() if "because" not in key}

    assert from_payload("finding_fixed", written) == fixed


def test_an_event_of_another_release_is_named():
    with pytest.raises(EventKindUnknown, match="scan_dreamt"):
        from_payload("scan_dreamt", {})
