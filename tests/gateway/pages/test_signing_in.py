import re
from urllib.parse import quote

import pytest

from gateway.access import Scope
from gateway.access.sessions import COOKIE, csrf_token
from gateway.pages.signing_in import link


@pytest.fixture
async def secret(gateway):
    return (await gateway.access.create_key(name="x", scope=Scope.READ))[0]


def cookie_of(answer):
    return re.fullmatch(rf"{COOKIE}=([0-9A-Za-z]+);.*", answer.headers["Set-Cookie"])[1]


async def test_signed_out_there_is_only_a_form(well, gateway):
    for path in ("/", "/docs", "/sign-in"):
        page = await gateway.stranger.get(path)
        assert page.status == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert '<form method="post" action="/sign-in">' in page.text
        assert "loc-demo" not in page.text
    assert not well.ingestion.asked


async def test_a_key_in_the_form_signs_in(well, gateway, secret):
    answer = await gateway.stranger.call("POST", "/sign-in", data={"key": f" {secret} "})

    assert (answer.status, answer.headers["Location"]) == (303, "/")
    told = answer.headers["Set-Cookie"]
    assert "HttpOnly" in told
    assert "SameSite=Strict" in told
    assert secret not in told
    browser = gateway.stranger.with_headers(Cookie=f"{COOKIE}={cookie_of(answer)}")
    assert "Everything is running" in (await browser.get("/")).text


async def test_the_printed_link_signs_in(gateway, secret):
    path = link("", secret)

    answer = await gateway.stranger.get(path)

    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert cookie_of(answer)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("place", "leads_to"),
    [
        ("/docs", "/docs"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/api/keys", "/"),
    ],
)
async def test_signing_in_leads_to_no_other_site(gateway, secret, place, leads_to):
    answer = await gateway.stranger.call("POST", "/sign-in", data={"key": secret, "next": place})

    assert answer.headers["Location"] == leads_to


@pytest.mark.parametrize("key", ["", "nonsense", "rw_admin_x", "<script>alert(1)</script>"])
async def test_a_wrong_key_is_told_in_the_form(gateway, key):
    by_form = await gateway.stranger.call("POST", "/sign-in", data={"key": key})
    by_link = await gateway.stranger.get(f"/sign-in?key={quote(key)}")

    for page in (by_form, by_link):
        assert page.status == 401
        assert 'role="alert"' in page.text
        assert "Set-Cookie" not in page.headers
        assert "<script>alert" not in page.text


async def test_a_key_that_may_not_read_signs_nobody_in(gateway):
    ingest, _ = await gateway.access.create_key(name="x", scope=Scope.INGEST)

    answer = await gateway.stranger.call("POST", "/sign-in", data={"key": ingest})

    assert answer.status == 403
    assert "scope" in answer.text
    assert "Set-Cookie" not in answer.headers


async def test_another_site_cannot_sign_a_browser_in(gateway, secret):
    evil = gateway.stranger.with_headers(Sec_Fetch_Site="cross-site")

    answer = await evil.call("POST", "/sign-in", data={"key": secret})

    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


async def test_signing_out_ends_the_session(well, gateway, signed_in):
    browser = await signed_in()
    page = (await browser.get("/")).text
    token = re.search(r'name="csrf_token" value="(\w+)"', page)[1]

    answer = await browser.submit("/sign-out", csrf_token=token)

    assert (token, answer.status) == (csrf_token(browser.cookie), 303)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert 'action="/sign-in"' in (await browser.get("/")).text


async def test_another_site_cannot_sign_a_browser_out(well, signed_in):
    browser = await signed_in()

    answer = await browser.submit("/sign-out", csrf_token="guessed")

    assert answer.status == 403
    assert "Everything is running" in (await browser.get("/")).text


async def test_a_revoked_key_takes_its_sessions_along(well, gateway):
    secret, key = await gateway.access.create_key(name="x", scope=Scope.READ)
    cookie = await gateway.access.sign_in(secret)
    await gateway.access.revoke_key(key.key_id)

    page = await gateway.stranger.with_headers(Cookie=f"{COOKIE}={cookie}").get("/")

    assert 'action="/sign-in"' in page.text
