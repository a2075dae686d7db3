"""Between messages and JSON."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rest import wire
from gateway.rest.models import alerts, executions, scans, schedules
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2
from libs.rpc.times import timestamp

ENUMS = [
    each
    for contract in (ingestion_pb2, notifier_pb2, scheduler_pb2)
    for each in contract.DESCRIPTOR.enum_types_by_name.values()
]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda each: each.full_name)
def test_every_word_leads_back_to_its_value(enum):
    for value in enum.values:
        word = wire.word(enum, value.number)
        assert wire.number(enum, word) == value.number
        assert (word is None) == (value.number == 0)
        assert word is None or word == word.lower()


def test_a_word_that_a_newer_service_knows_is_unknown_here():
    assert wire.word(scheduler_pb2.ScanStatus.DESCRIPTOR, 99) == "unknown"


@pytest.mark.parametrize(
    ("taken", "contract"),
    [
        (schedules.FrequencyWord, scheduler_pb2.Frequency),
        (schedules.ScopeWord, scheduler_pb2.ScanScope),
        (scans.StatusWord, scheduler_pb2.ScanStatus),
        (scans.SeverityWord, scheduler_pb2.Severity),
        (alerts.IncidentStatusWord, notifier_pb2.IncidentStatus),
    ],
)
def test_callers_may_say_exactly_the_words_of_the_contract(taken, contract):
    assert get_args(taken) == wire.words(contract.DESCRIPTOR)


def test_callers_ask_for_runs_that_ended():
    words = wire.words(ingestion_pb2.ExecutionStatus.DESCRIPTOR)
    assert words == (*get_args(executions.StatusWord), "started")


def test_absent_is_none_and_zero_is_zero():
    absent = wire.plain(ingestion_pb2.RunCounts())
    zero = wire.plain(ingestion_pb2.RunCounts(failure_rate=0.0))

    assert (absent["total"], absent["failure_rate"]) == (0, None)
    assert zero["failure_rate"] == 0.0


@given(at=st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_the_same_time(at):
    message = ingestion_pb2.Execution(executed_at=timestamp(at))

    assert wire.plain(message)["executed_at"] == at


@given(hours=st.integers())
def test_a_window_of_any_length_fits_a_message_and_a_sane_one_is_exact(hours):
    window = wire.hours(hours)

    if 0 <= hours <= 24 * 90:
        assert window.ToTimedelta() == timedelta(hours=hours)
    else:
        assert not 60 <= window.seconds <= 90 * 86400


@given(number=st.integers())
def test_any_number_fits_a_message_on_its_side_of_every_limit(number):
    kept = wire.int32(number)

    assert scheduler_pb2.PreviewScheduleRequest(count=kept).count == kept
    assert (
        (kept == number) or (kept > 10**9 and number > kept) or (kept < -(10**9) and number < kept)
    )


def test_a_message_shows_all_its_fields():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    scan = scheduler_pb2.Scan(
        scan_id="s",
        created_at=timestamp(at),
        summary=scheduler_pb2.ScanSummary(
            worst_workflows=[scheduler_pb2.WorkflowScore(workflow_id="w", score=3)]
        ),
    )

    shown = wire.plain(scan)

    assert set(shown) == {each.name for each in scheduler_pb2.Scan.DESCRIPTOR.fields}
    assert (shown["scan_id"], shown["reason"], shown["created_at"]) == ("s", None, at)
    assert shown["summary"]["worst_workflows"][0]["score"] == 3
    assert shown["started_at"] is None
