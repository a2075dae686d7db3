import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.text import cut_to_bytes, fitted, one_line


@given(st.text(), st.integers(1, 50))
def test_a_line_is_one_line_of_visible_text_and_not_too_long(text, longest):
    line = one_line(text, longest)

    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") for each in line)
    assert line.encode().decode() == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Lead follow-up", "Lead follow-up"),
        ("x\r\nBcc: a@b.example", "x Bcc: a@b.example"),
        ("a\x00b\u2028c", "a b c"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("Familie 👨\u200d👩\u200d👧", "Familie 👨\u200d👩\u200d👧"),
        ("  much   room  ", "much room"),
        ("", ""),
    ],
)
def test_what_is_in_a_line_stays_and_what_breaks_it_goes(text, line):
    assert one_line(text, 100) == line


def test_what_is_cut_says_so():
    assert one_line("abcdefgh", 5) == "abcd…"


@given(st.text(), st.integers(3, 50))
def test_what_does_not_fit_into_bytes_says_so(text, most):
    kept = fitted(text, most)

    assert len(kept.encode()) <= most
    assert kept == text or (kept[-1] == "…" and text.startswith(kept[:-1]))


@given(st.text(), st.integers(0, 50))
def test_what_is_cut_to_bytes_fits_and_is_still_text(text, most):
    kept = cut_to_bytes(text, most)

    assert len(kept.encode()) <= most
    assert text.startswith(kept)
    assert len(text.encode()) - len(kept.encode()) <= 3 or len(kept.encode()) > most - 4
