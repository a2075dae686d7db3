"""What a schedule must say, and what it need not."""

from datetime import UTC, datetime

import pytest

from libs import problems
from services.scheduler.domain.schedule import ScanScope, Schedule, settled
from services.scheduler.domain.timing import Frequency

SUNDAY_EVENING_IN_CHICAGO = datetime(2025, 6, 2, 3, 0, tzinfo=UTC)


def a_schedule(**wanted):
    return Schedule(**{"location_id": "loc-1", "frequency": Frequency.DAILY} | wanted)


def settle(**wanted):
    return settled(a_schedule(**wanted), SUNDAY_EVENING_IN_CHICAGO)


def test_what_is_not_given_has_its_default():
    schedule = settle()

    assert schedule.enabled
    assert (schedule.preferred_time, schedule.timezone) == ("02:00", "America/Chicago")
    assert (schedule.weekday, schedule.cron_expression) == (None, "")
    assert schedule.scan_scope is ScanScope.ALL


def test_the_weekday_of_a_weekly_schedule_is_by_default_the_local_one():
    assert settle(frequency=Frequency.WEEKLY).weekday == 6
    assert settle(frequency=Frequency.WEEKLY, timezone="UTC").weekday == 0


def test_what_the_frequency_does_not_use_is_cleared():
    schedule = settle(frequency=Frequency.DAILY, weekday=3, cron_expression="0 9 * * 1")

    assert (schedule.weekday, schedule.cron_expression) == (None, "")


def test_settling_twice_changes_nothing():
    schedule = settle(frequency=Frequency.CRON, cron_expression=" 0  9 * * 1 ")

    assert schedule.cron_expression == "0 9 * * 1"
    assert settled(schedule, SUNDAY_EVENING_IN_CHICAGO) == schedule


@pytest.mark.parametrize(
    ("wanted", "reason", "field", "advice"),
    [
        ({"preferred_time": "25:61"}, "PREFERRED_TIME_MALFORMED", "preferred_time", "HH:MM"),
        ({"preferred_time": "9:00"}, "PREFERRED_TIME_MALFORMED", "preferred_time", "HH:MM"),
        ({"preferred_time": "24:00"}, "PREFERRED_TIME_MALFORMED", "preferred_time", "23:59"),
        ({"preferred_time": "٠٩:٠٠"}, "PREFERRED_TIME_MALFORMED", "preferred_time", "HH:MM"),
        ({"preferred_time": "09:00\n"}, "PREFERRED_TIME_MALFORMED", "preferred_time", "HH:MM"),
        ({"timezone": "Mars/Base"}, "TIME_ZONE_UNKNOWN", "timezone", "America/Chicago"),
        ({"weekday": 7}, "WEEKDAY_OUT_OF_RANGE", "weekday", "0 (Monday) to 6 (Sunday)"),
        ({"weekday": -1}, "WEEKDAY_OUT_OF_RANGE", "weekday", "0 (Monday) to 6 (Sunday)"),
        ({"frequency": Frequency.CRON}, "CRON_MALFORMED", "cron_expression", "five fields"),
        (
            {"frequency": Frequency.CRON, "cron_expression": "0 0 31 2 *"},
            "CRON_NEVER_FIRES",
            "cron_expression",
            "choose a day",
        ),
        (
            {"scan_scope": ScanScope.SELECTED},
            "SELECTION_EMPTY",
            "selected_workflow_ids",
            "scope all or active",
        ),
        (
            {"scan_scope": ScanScope.SELECTED, "selected_workflow_ids": ("", "")},
            "SELECTION_EMPTY",
            "selected_workflow_ids",
            "scope all or active",
        ),
        (
            {"selected_workflow_ids": tuple(f"wf-{number}" for number in range(1001))},
            "SELECTION_TOO_LARGE",
            "selected_workflow_ids",
            "scope all or active",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_to_write_instead(wanted, reason, field, advice):
    with pytest.raises(problems.InvalidRequest) as refused:
        settle(**wanted)

    assert refused.value.reason == reason
    assert [each.field for each in refused.value.fields] == [field]
    assert advice in refused.value.message


def test_a_thousand_workflows_can_be_selected_each_once():
    ids = tuple(f"wf-{number}" for number in range(1000))

    schedule = settle(scan_scope=ScanScope.SELECTED, selected_workflow_ids=(*ids, "wf-1"))

    assert schedule.selected_workflow_ids == ids
