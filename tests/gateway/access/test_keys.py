"""Keys: what they look like, what they open, when they stop to."""

import re
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Access, Caller, Scope, keys
from gateway.access.callers import (
    LocationIdWrong,
    LocationMissing,
    LocationNotYours,
    ScopeTooNarrow,
)
from gateway.access.keys import (
    KeyExpired,
    KeyExpiryPast,
    KeyMalformed,
    KeyMissing,
    KeyNameWrong,
    KeyNotFound,
    KeyRevoked,
    KeyUnknown,
)
from libs import paging
from tests.gateway.access.conftest import NOW

SECOND = timedelta(seconds=1)


@contextmanager
def without_keys(url):
    """Takes the table away, so that whoever asks it fails."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE api_keys RENAME TO gone")
        connection.commit()
        yield
        connection.execute("ALTER TABLE gone RENAME TO api_keys")


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


async def test_a_key_is_shown_once_and_stored_only_as_its_digest(access, url):
    secret, key = await access.create_key(name=" HighLevel ", scope=Scope.INGEST, location_id="l1")

    assert re.fullmatch(r"rw_ingest_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}", secret)
    assert secret.startswith(key.prefix)
    assert len(key.prefix) < 20
    assert (key.name, key.location_id, key.created_at) == ("HighLevel", "l1", NOW)
    assert secret not in str(rows(url, "SELECT * FROM api_keys"))
    assert rows(url, "SELECT key_hash FROM api_keys") == [(keys.digest(secret),)]


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("location_id", [None, "l1"])
async def test_whoever_holds_a_key_is_known_by_it(access, scope, location_id):
    secret, key = await access.create_key(name="n", scope=scope, location_id=location_id)

    assert await access.caller(secret) == Caller(key.key_id, "n", scope, location_id)


@pytest.mark.parametrize(
    ("given", "problem"),
    [(None, KeyMissing), ("", KeyMissing), ("hello", KeyMalformed), ("rw_x_1_2", KeyMalformed)],
)
async def test_what_is_no_key_is_told_without_asking_the_database(access, url, given, problem):
    with without_keys(url), pytest.raises(problem):
        await access.caller(given)


@given(st.sampled_from(Scope), st.data())
def test_a_typing_error_is_told_from_a_key_that_is_not_known(scope, data):
    secret = keys.new_secret(scope)
    place = data.draw(st.integers(0, len(secret) - 1))
    typed = data.draw(st.sampled_from("0aZ_ é"))
    wrong = secret[:place] + typed + secret[place + 1 :]

    assert keys.checked_secret(secret) == secret
    if wrong != secret:
        with pytest.raises(KeyMalformed):
            keys.checked_secret(wrong)
    with pytest.raises(KeyMalformed if place else KeyMissing):
        keys.checked_secret(secret[:place])


async def test_a_key_of_another_installation_is_unknown(access):
    with pytest.raises(KeyUnknown):
        await access.caller(keys.new_secret(Scope.ADMIN))


async def test_a_key_ends_at_its_expiry_although_it_is_remembered(access, pass_time):
    secret, key = await access.create_key(
        name="n", scope=Scope.READ, expires_at=NOW + timedelta(seconds=5)
    )
    assert (await access.caller(secret)).key_id == key.key_id

    pass_time(5 * SECOND)

    with pytest.raises(KeyExpired):
        await access.caller(secret)


async def test_a_revoked_key_ends_at_once_here_and_within_ten_seconds_elsewhere(
    access, database, clock, pass_time
):
    elsewhere = Access(database, clock)
    secret, key = await access.create_key(name="n", scope=Scope.READ)
    await access.caller(secret)
    await elsewhere.caller(secret)

    pass_time(3 * SECOND)
    revoked = await access.revoke_key(key.key_id)

    assert revoked.revoked_at == NOW + 3 * SECOND
    with pytest.raises(KeyRevoked):
        await access.caller(secret)
    pass_time(6 * SECOND)
    await elsewhere.caller(secret)
    pass_time(1 * SECOND)
    with pytest.raises(KeyRevoked):
        await elsewhere.caller(secret)


async def test_within_ten_seconds_a_key_asks_no_database(access, url, clock):
    secret, _ = await access.create_key(name="n", scope=Scope.READ)
    await access.caller(secret)
    clock.move(timedelta(seconds=9.9))

    with without_keys(url):
        assert (await access.caller(secret)).name == "n"


async def test_the_last_use_is_written_once_a_minute(access, pass_time):
    secret, _ = await access.create_key(name="n", scope=Scope.READ)
    used = []
    for _ in range(14):
        await access.caller(secret)
        (key,) = (await access.list_keys()).items
        used.append(key.last_used_at - NOW)
        pass_time(10 * SECOND)

    assert used == [timedelta(0)] * 7 + [70 * SECOND] * 7


async def test_a_key_that_was_refused_is_not_noted_as_used(access):
    secret, key = await access.create_key(name="n", scope=Scope.READ)
    await access.revoke_key(key.key_id)

    with pytest.raises(KeyRevoked):
        await access.caller(secret)

    assert (await access.list_keys()).items[0].last_used_at is None


async def test_a_key_revoked_twice_was_revoked_the_first_time(access, pass_time):
    _, key = await access.create_key(name="n", scope=Scope.READ)
    await access.revoke_key(key.key_id)
    pass_time(5 * SECOND)

    assert (await access.revoke_key(key.key_id)).revoked_at == NOW


async def test_a_location_sees_and_revokes_only_its_own_keys(access):
    _, mine = await access.create_key(name="mine", scope=Scope.READ, location_id="l1")
    _, other = await access.create_key(name="other", scope=Scope.READ, location_id="l2")
    _, agency = await access.create_key(name="agency", scope=Scope.READ)

    assert (await access.list_keys("l1")).items == [mine]
    assert (await access.list_keys()).items == [agency, other, mine]
    for each in (other, agency):
        with pytest.raises(KeyNotFound):
            await access.revoke_key(each.key_id, "l1")
    assert (await access.revoke_key(mine.key_id, "l1")).revoked_at
    with pytest.raises(KeyNotFound):
        await access.revoke_key("nothing")


async def test_keys_come_in_pages(access):
    for number in range(5):
        await access.create_key(name=f"k{number}", scope=Scope.READ)

    first = await access.list_keys(page_size=2)
    second = await access.list_keys(page_size=2, page_token=first.next_page_token)
    third = await access.list_keys(page_size=2, page_token=second.next_page_token)

    names = [each.name for page in (first, second, third) for each in page.items]
    assert names == ["k4", "k3", "k2", "k1", "k0"]
    assert third.next_page_token == ""
    with pytest.raises(paging.PageTokenWrong):
        await access.list_keys("l1", page_token=first.next_page_token)
    with pytest.raises(paging.PageTokenWrong):
        await access.list_locations(page_token=first.next_page_token)


@pytest.mark.parametrize("position", [[], [1], ["a", "b"], ["\x00"], ["\ud800"]])
async def test_a_page_token_that_somebody_made_up_is_refused(access, position):
    made_up = paging.token({"list": "keys", "location_id": None}, position)

    with pytest.raises(paging.PageTokenWrong):
        await access.list_keys(page_token=made_up)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"name": " "}, KeyNameWrong),
        ({"name": "x" * 101}, KeyNameWrong),
        ({"name": "a\x00b"}, KeyNameWrong),
        ({"location_id": ""}, LocationMissing),
        ({"location_id": "a b"}, LocationIdWrong),
        ({"expires_at": NOW}, KeyExpiryPast),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(access, wrong, problem):
    with pytest.raises(problem) as refused:
        await access.create_key(**{"name": "n", "scope": Scope.READ} | wrong)

    assert refused.value.fields
    assert not (await access.list_keys()).items


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (Scope.INGEST, {Scope.INGEST}),
        (Scope.READ, {Scope.READ}),
        (Scope.WRITE, {Scope.READ, Scope.WRITE}),
        (Scope.ADMIN, set(Scope)),
    ],
)
def test_each_scope_grants_what_it_says(scope, granted):
    caller = Caller("k", "n", scope, None)

    for each in Scope:
        if each in granted:
            caller.require(each)
        else:
            with pytest.raises(ScopeTooNarrow) as refused:
                caller.require(each)
            assert refused.value.reason == "KEY_SCOPE_TOO_NARROW"


@pytest.mark.parametrize(
    ("bound_to", "asked", "outcome"),
    [
        ("l1", None, "l1"),
        ("l1", "", "l1"),
        ("l1", "l1", "l1"),
        ("l1", "l2", LocationNotYours),
        (None, "l2", "l2"),
        (None, None, LocationMissing),
        (None, "", LocationMissing),
        (None, "a\x00", LocationIdWrong),
        (None, "é", LocationIdWrong),
        (None, "x" * 65, LocationIdWrong),
    ],
)
def test_a_caller_reaches_its_own_location_or_the_one_it_names(bound_to, asked, outcome):
    caller = Caller("k", "n", Scope.READ, bound_to)

    if isinstance(outcome, str):
        assert caller.location(asked) == caller.location_or_agency(asked) == outcome
    else:
        with pytest.raises(outcome):
            caller.location(asked)


def test_only_the_agency_sees_everything_by_naming_nothing():
    assert Caller("k", "n", Scope.READ, None).location_or_agency(None) is None
    assert Caller("k", "n", Scope.READ, "l1").location_or_agency(None) == "l1"


@pytest.mark.parametrize(
    ("authorization", "api_key", "found"),
    [
        (None, None, None),
        ("Bearer rw_x", None, "rw_x"),
        ("bearer  rw_x ", "rw_y", "rw_x"),
        ("Basic abc", "rw_y", "rw_y"),
        ("Basic abc", None, None),
        ("Bearer", " rw_y ", "rw_y"),
        ("", "", None),
    ],
)
def test_a_key_is_found_in_either_header(authorization, api_key, found):
    assert keys.presented(authorization, api_key) == found
