"""Which cron texts are taken, and what is said of the others."""

from datetime import UTC, datetime
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import problems
from services.scheduler.domain import timing
from services.scheduler.domain.cron import CronLine, CronMalformed, CronNeverFires, parsed
from tests.scheduler.domain.vectors import cron, read

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", read("cron_vectors.json")["invalid"])
def test_a_text_that_is_no_cron_line_is_refused_at_once(text):
    started = perf_counter()
    with pytest.raises(problems.InvalidRequest) as refused:
        timing.settled(cron(text), NOW)

    assert perf_counter() - started < 0.05
    assert refused.value.reason in {"CRON_MALFORMED", "CRON_NEVER_FIRES"}
    assert [field.field for field in refused.value.fields] == ["cron_expression"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60 * * * *", "'60' cannot be the minute: write 0 to 59"),
        ("0 24 * * *", "'24' cannot be the hour: write 0 to 23"),
        ("0 0 32 * *", "'32' cannot be the day of month: write 1 to 31"),
        ("0 0 1 13 *", "'13' cannot be the month: write 1 to 12"),
        ("0 0 * * MON-", "'MON-' cannot be the day of week: write 0 to 7"),
        ("*/0 * * * *", "'*/0' cannot be the minute"),
        ("* * * *", "is not five fields. Write five fields"),
        ("@reboot", "is not five fields. Write five fields"),
        ("TZ=UTC 0 9 * * *", "is not five fields. Write five fields"),
        ("0 9 * * 1" + " " * 92, "at most 100 characters"),
    ],
)
def test_a_malformed_text_is_told_which_field_and_what_to_write(text, expected):
    with pytest.raises(CronMalformed) as refused:
        parsed(text)

    assert expected in refused.value.message


@pytest.mark.parametrize(
    "text", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "*/5 2 * 3 SUN#2"]
)
def test_a_line_whose_day_or_hour_never_comes_is_refused(text):
    """The last one asks for an hour that the clocks of Chicago skip every year."""
    with pytest.raises(CronNeverFires):
        timing.settled(cron(text, "America/Chicago"), NOW)


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 * *", "0 0 30 2 1", "0 0 * 2 MON#5"])
def test_a_line_that_fires_seldom_is_taken(text):
    assert timing.settled(cron(text), NOW).cron_expression == text


def test_spaces_between_fields_do_not_matter():
    assert parsed("  0  9\t* * mon-fri ") == CronLine("0 9 * * mon-fri")


@given(st.text(alphabet="0123456789*/,-#LWMONSUJAN?@ \t²٣", max_size=30) | st.text())
def test_any_text_is_either_a_line_or_a_problem(text):
    try:
        line = parsed(text)
    except (CronMalformed, CronNeverFires):
        return
    assert next(line.after(NOW.replace(tzinfo=None)), None) is not None
