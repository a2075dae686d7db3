from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.passes import Act, LinkBroken, LinkExpired, Pass, Passes

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSES = Passes(["a key", "an older key"], "https://watch.example/")
GIVEN = Pass(Act.RESOLVE, "loc-1", "t-1", "i-1", NOON)
TOKEN = PASSES.link(GIVEN).rpartition("/")[2]
BEFORE = NOON - timedelta(seconds=1)


@given(st.sampled_from(Act), st.text(max_size=60), st.text(max_size=60))
def test_what_is_read_is_what_was_written(act, location_id, incident_id):
    given = Pass(act, location_id, "t-1", incident_id, NOON)

    link = PASSES.link(given)

    assert PASSES.read(link.rpartition("/")[2], BEFORE) == given
    assert link == PASSES.link(given)


def test_a_link_leads_to_the_gateway_and_is_short_enough_for_any_mail_program():
    link = PASSES.link(Pass(Act.ACKNOWLEDGE, "l" * 64, "t" * 36, "i" * 36, NOON))

    assert link.startswith("https://watch.example/a/")
    assert len(link) < 400


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("abcXYZ019-_.="))
def test_a_changed_letter_breaks_it(place, letter):
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed == TOKEN:
        return

    with pytest.raises(LinkBroken):
        PASSES.read(changed, BEFORE)


@given(st.text(max_size=200))
def test_whatever_else_is_broken(text):
    with pytest.raises(LinkBroken):
        PASSES.read(text, BEFORE)


def test_it_ends_when_its_time_is_over():
    with pytest.raises(LinkExpired):
        PASSES.read(TOKEN, NOON)


def test_a_link_of_another_installation_is_broken_and_one_of_an_older_key_is_not():
    older = Passes(["an older key"], "https://watch.example")
    foreign = Passes(["another key"], "https://watch.example")

    assert PASSES.read(older.link(GIVEN).rpartition("/")[2], BEFORE) == GIVEN
    with pytest.raises(LinkBroken):
        PASSES.read(foreign.link(GIVEN).rpartition("/")[2], BEFORE)
