import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.gsm import BASIC, EXTENDED, length, shortened, spelled

written = st.text(max_size=300).map(spelled)


def test_the_alphabet_has_its_128_places():
    assert len(BASIC) == len(set(BASIC)) == 127, "and the one that leads to the extended ones"
    assert len(EXTENDED) == 9


@given(written)
def test_whatever_is_spelled_is_in_the_alphabet_on_one_line(text):
    assert set(text) <= set(BASIC + EXTENDED) - {"\n", "\r"}


@given(written, st.integers(0, 160))
def test_what_is_shortened_fits(text, most):
    short = shortened(text, most)

    assert length(short) <= most
    assert short in (text, "") or short.endswith("..")


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("failed 3× in 24 h – “x”…", 'failed 3x in 24 h - "x"...'),
        ("Łódź, Šibenik, naïve", "Lodz, Sibenik, naive"),
        ("Öl für ñandú", "Öl für ñandu"),
        ("日本 🚀", "?? ?"),
        ("a\r\nb\tc", "a b c"),
        ("€ [x]", "€ [x]"),
    ],
)
def test_what_is_not_in_the_alphabet_gets_its_like(text, spelling):
    assert spelled(text) == spelling
