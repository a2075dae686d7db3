import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import paging


@pytest.mark.parametrize(("asked", "given_back"), [(0, 50), (1, 1), (500, 500), (501, 500)])
def test_the_size_of_a_page(asked, given_back):
    assert paging.page_size(asked) == given_back


def test_a_negative_size_is_refused():
    with pytest.raises(paging.PageSizeNegative) as caught:
        paging.page_size(-1)
    assert caught.value.fields[0].field == "page_size"


@given(
    st.dictionaries(st.text(), st.text() | st.none()),
    st.lists(st.integers() | st.text(), min_size=1),
)
def test_a_token_gives_its_position_back(query, position):
    assert paging.position(query, paging.token(query, position)) == position


def test_a_token_of_other_filters_is_refused():
    token = paging.token({"workflow": "a"}, [1])
    with pytest.raises(paging.PageTokenWrong):
        paging.position({"workflow": "b"}, token)


@given(st.text(min_size=1))
def test_no_text_breaks_the_reading_of_a_token(text):
    with pytest.raises(paging.PageTokenWrong):
        paging.position({}, text)
