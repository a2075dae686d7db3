"""Locations, and the log of who changed what."""

import asyncio
from datetime import timedelta

import pytest

from gateway.access import Access, Caller, Scope
from gateway.access.callers import LocationIdWrong
from gateway.access.locations import LocationNameWrong, LocationNotFound, TimeZoneUnknown
from tests.gateway.access.conftest import NOW

CALLER = Caller("key-1", "office", Scope.ADMIN, None)


async def test_a_location_is_remembered_once_however_many_ask(access, database, clock):
    others = [Access(database, clock) for _ in range(3)]

    await asyncio.gather(
        *(each.remember_location("l1") for each in [access, *others] for _ in range(20))
    )

    (location,) = (await access.list_locations()).items
    assert (location.location_id, location.name, location.time_zone) == ("l1", "", "UTC")


async def test_remembering_does_not_undo_what_somebody_said(access):
    await access.put_location("l1", name="Acme", time_zone="Europe/Berlin")

    await access.remember_location("l1")

    assert (await access.location("l1")).name == "Acme"


async def test_what_is_not_said_of_a_location_stays(access):
    made = await access.put_location("l1", time_zone="America/Chicago")
    named = await access.put_location("l1", name="Acme")
    same = await access.put_location("l1")
    unnamed = await access.put_location("l1", name="")

    assert (made.name, made.time_zone) == ("", "America/Chicago")
    assert (named.name, named.time_zone) == ("Acme", "America/Chicago")
    assert same == named
    assert unnamed.name == ""
    assert unnamed.created_at == made.created_at


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"location_id": "a b"}, LocationIdWrong),
        ({"name": "x" * 201}, LocationNameWrong),
        ({"name": "a\x00b"}, LocationNameWrong),
        ({"time_zone": "Mars/Base"}, TimeZoneUnknown),
        ({"time_zone": "../../etc/passwd"}, TimeZoneUnknown),
        ({"time_zone": ""}, TimeZoneUnknown),
    ],
)
async def test_a_location_that_makes_no_sense_is_not_made(access, wrong, problem):
    with pytest.raises(problem) as refused:
        await access.put_location(**{"location_id": "l1"} | wrong)

    assert refused.value.fields
    assert not (await access.list_locations()).items


async def test_an_unknown_location_is_told(access):
    await access.remember_location("l1")
    await access.known("l1")

    with pytest.raises(LocationNotFound):
        await access.known("l2")


async def test_locations_come_in_pages_by_id_and_a_location_sees_itself(access):
    for each in ("b", "a", "C", "d"):
        await access.remember_location(each)

    first = await access.list_locations(page_size=3)
    rest = await access.list_locations(page_size=3, page_token=first.next_page_token)

    assert [each.location_id for each in first.items] == ["C", "a", "b"]
    assert [each.location_id for each in rest.items] == ["d"]
    assert [each.location_id for each in (await access.list_locations("a")).items] == ["a"]


async def test_a_change_is_written_down_with_who_made_it(access):
    await access.record(CALLER, "key.created", "key-2", "req-1", location_id="l1")
    await access.record(CALLER, "key.revoked", "key-3", "req-2")

    newest, oldest = (await access.list_audit()).items

    assert (newest.action, newest.subject, newest.location_id) == ("key.revoked", "key-3", None)
    assert (oldest.key_id, oldest.key_name, oldest.request_id) == ("key-1", "office", "req-1")
    assert [each.subject for each in (await access.list_audit("l1")).items] == ["key-2"]


async def test_changes_of_a_locations_own_key_belong_to_the_location(access):
    await access.record(Caller("k", "n", Scope.ADMIN, "l1"), "settings.changed", "l1", "req")

    assert (await access.list_audit("l1")).items[0].location_id == "l1"


async def test_the_audit_log_comes_in_pages(access):
    for number in range(3):
        await access.record(CALLER, "key.created", str(number), "req")

    first = await access.list_audit(page_size=2)
    rest = await access.list_audit(page_size=2, page_token=first.next_page_token)

    assert [each.subject for each in (*first.items, *rest.items)] == ["2", "1", "0"]


async def test_times_are_the_databases(access, clock):
    clock.move(timedelta(days=1))

    assert (await access.put_location("l1")).created_at == NOW
    await access.record(CALLER, "a.b", "s", "r")
    assert (await access.list_audit()).items[0].at == NOW
