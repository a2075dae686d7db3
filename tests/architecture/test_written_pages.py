"""The pages that the code writes are the ones that are committed."""

import pytest

from services.standalone import reference


@pytest.mark.parametrize("place", reference.pages(), ids=lambda place: place.name)
def test_a_page_is_what_the_code_says(place):
    assert place.read_text() == reference.pages()[place], "run `make docs`"


def test_every_setting_says_what_it_means():
    assert [each.name for each in reference.variables() if not each.meaning] == []


@pytest.mark.parametrize("variable", reference.variables(), ids=lambda variable: variable.name)
def test_what_sounds_like_a_secret_is_one_by_type(variable):
    words = ("TOKEN", "_PASS", "DATABASE_URL", "ENCRYPTION_KEYS")
    assert variable.secret or not any(word in variable.name for word in words)
