"""Sessions: a browser that is signed in with a key."""

from datetime import timedelta

import psycopg
import pytest

from gateway.access import Scope, sessions
from gateway.access.callers import ScopeTooNarrow
from gateway.access.keys import KeyUnknown, digest, new_secret
from gateway.access.sessions import CsrfTokenWrong, SessionEnded
from tests.gateway.access.conftest import NOW


@pytest.fixture
async def signed_in(access):
    secret, key = await access.create_key(name="n", scope=Scope.WRITE, location_id="l1")
    return await access.sign_in(secret), key


async def test_a_session_stands_for_its_key_and_is_stored_only_as_a_digest(access, signed_in, url):
    cookie, key = signed_in

    assert await access.session(cookie) == key.caller()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT session_hash FROM sessions").fetchall() == [
            (digest(cookie),)
        ]


@pytest.mark.parametrize("cookie", [None, "", "x", "0" * 32, "\x00" * 32, "é" * 32])
async def test_what_is_no_session_is_told_to_sign_in(access, cookie):
    with pytest.raises(SessionEnded):
        await access.session(cookie)


async def test_a_session_ends_after_fourteen_days(access, signed_in, pass_time):
    cookie, _ = signed_in
    pass_time(timedelta(days=14) - timedelta(seconds=5))
    assert await access.session(cookie)

    pass_time(timedelta(seconds=5))

    with pytest.raises(SessionEnded):
        await access.session(cookie)


async def test_a_session_ends_with_its_key(access, signed_in, pass_time):
    cookie, key = signed_in
    await access.session(cookie)
    short, _ = await access.create_key(
        name="n", scope=Scope.READ, expires_at=NOW + timedelta(seconds=3)
    )
    short_cookie = await access.sign_in(short)
    await access.session(short_cookie)

    await access.revoke_key(key.key_id)
    pass_time(timedelta(seconds=3))

    for each in (cookie, short_cookie):
        with pytest.raises(SessionEnded):
            await access.session(each)


async def test_signing_out_ends_the_session_at_once(access, signed_in):
    cookie, _ = signed_in
    await access.session(cookie)

    await access.sign_out(cookie)

    with pytest.raises(SessionEnded):
        await access.session(cookie)
    await access.sign_out(cookie)
    await access.sign_out("nonsense")


async def test_only_a_key_that_may_read_signs_in(access):
    ingest, _ = await access.create_key(name="n", scope=Scope.INGEST)

    with pytest.raises(ScopeTooNarrow):
        await access.sign_in(ingest)
    with pytest.raises(KeyUnknown):
        await access.sign_in(new_secret(Scope.ADMIN))


async def test_sessions_that_have_ended_are_cleared_away_by_the_next_one(
    access, signed_in, pass_time, url
):
    secret, _ = await access.create_key(name="n", scope=Scope.READ)
    pass_time(timedelta(days=15))

    await access.sign_in(secret)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


async def test_a_form_proves_that_it_belongs_to_the_session(signed_in):
    cookie, _ = signed_in
    token = sessions.csrf_token(cookie)

    sessions.check_csrf_token(cookie, token)
    for wrong in (None, "", "é", token[:-1], sessions.csrf_token("0" * 32)):
        with pytest.raises(CsrfTokenWrong):
            sessions.check_csrf_token(cookie, wrong)


def test_the_cookie_is_kept_from_scripts_and_from_other_sites():
    header = sessions.cookie_header("abc", https=True)

    assert header.startswith("runwarden_session=abc; ")
    assert {"Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=1209600", "Secure"} <= set(
        header.split("; ")
    )
    assert "Secure" not in sessions.cookie_header("abc", https=False)
