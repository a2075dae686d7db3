import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.secrets import SecretBox


@given(st.binary())
def test_what_was_sealed_can_be_opened(plain):
    box = SecretBox(["one key"])
    sealed = box.seal(plain)
    assert box.open(sealed) == plain
    assert not plain or plain not in sealed or len(plain) < 4


def test_an_old_key_still_opens_after_a_rotation():
    sealed = SecretBox(["old"]).seal(b"hello")
    assert SecretBox(["new", "old"]).open(sealed) == b"hello"


def test_a_key_removed_too_early_is_named_as_the_cause():
    sealed = SecretBox(["old"]).seal(b"hello")
    with pytest.raises(ValueError, match="removed too early"):
        SecretBox(["new"]).open(sealed)
