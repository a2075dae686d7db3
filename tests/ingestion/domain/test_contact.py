"""A contact is known again by its reference, and by nothing else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.contact import ContactRefs

ids = st.text(min_size=1)


@given(ids, ids)
def test_the_same_contact_has_the_same_reference(location, contact):
    refs = ContactRefs(["key"])
    assert refs.newest(location, contact) == ContactRefs(["key"]).newest(location, contact)
    assert refs.all(location, contact) == (refs.newest(location, contact),)


@given(st.sets(st.tuples(st.sampled_from(["l", "m"]), ids), min_size=2))
def test_others_have_others(contacts):
    refs = ContactRefs(["key"])
    assert len({refs.newest(*each) for each in contacts}) == len(contacts)


def test_another_key_makes_another_reference_and_old_keys_still_find_the_old_one():
    old, new = ContactRefs(["old"]), ContactRefs(["new", "old"])
    assert new.newest("l", "c") != old.newest("l", "c")
    assert set(new.all("l", "c")) == {new.newest("l", "c"), old.newest("l", "c")}


def test_nobody_has_no_reference():
    assert ContactRefs(["key"]).newest("l", "") is None
    assert ContactRefs(["key"]).all("l", "") == ()


def test_a_reference_is_a_uuid_that_does_not_tell_the_id():
    found = ContactRefs(["key"]).newest("l", "c-1")
    assert found is not None
    assert UUID(found).hex == found
    assert "c-1" not in found
