import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.slots import (
    MOST_LINGERING,
    MOST_UNPROVEN,
    SLOTS,
    Room,
    room,
)

ALL = SLOTS + MOST_LINGERING


@pytest.mark.parametrize(
    ("quick", "lingering", "unproven", "wanted"),
    [
        (0, 0, 0, Room(MOST_UNPROVEN, proven_only=False)),
        (10, 0, 0, Room(SLOTS - 10, proven_only=False)),
        (SLOTS, 0, 0, Room(0, proven_only=False)),
        (MOST_UNPROVEN, 0, MOST_UNPROVEN, Room(SLOTS - MOST_UNPROVEN, proven_only=True)),
        (0, MOST_UNPROVEN, MOST_UNPROVEN, Room(SLOTS, proven_only=True)),
        (0, MOST_LINGERING, 0, Room(MOST_UNPROVEN, proven_only=False)),
        (0, MOST_LINGERING + SLOTS - 1, 0, Room(1, proven_only=False)),
        (0, ALL, 0, Room(0, proven_only=False)),
        (SLOTS, MOST_LINGERING, MOST_UNPROVEN, Room(0, proven_only=True)),
    ],
)
def test_room_for_more(quick, lingering, unproven, wanted):
    assert room(quick=quick, lingering=lingering, unproven=unproven) == wanted


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200))
def test_neither_all_slots_nor_more_than_their_share_go_to_the_unproven(steps):
    """Each step claims what it may, of the unproven where it may; then all that is quick lingers."""
    quick = lingering = unproven = 0
    for wants_unproven, lingers in steps:
        found = room(quick=quick, lingering=lingering, unproven=unproven)
        quick += found.most
        unproven += found.most if wants_unproven and not found.proven_only else 0
        assert quick <= SLOTS
        assert quick + lingering <= ALL
        assert unproven <= MOST_UNPROVEN
        if lingers:
            quick, lingering = 0, quick + lingering
