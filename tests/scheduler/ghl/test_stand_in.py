"""The stand-in itself, asked by a plain HTTP client, and run as a program."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from tests.support.ghl_state import LOCATION_SCOPES
from tests.support.programs import ROOT

V3 = {"Version": "v3"}
CLASSIC = {"Version": "2021-07-28"}


@pytest.fixture
async def http(ghl):
    async with aiohttp.ClientSession(ghl.url) as session:
        yield session


def bearer(token: str, version: dict[str, str] = CLASSIC) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} | version


async def get(http, path: str, headers: dict[str, str]):
    async with http.get(path, headers=headers) as response:
        return response.status, await response.json(), response.headers


@pytest.mark.parametrize(
    ("headers", "path", "status", "message"),
    [
        ({}, "/workflows/", 401, "version header was not found."),
        (CLASSIC, "/workflows/", 401, "Invalid token: access token is invalid"),
        (bearer("nobody"), "/workflows/", 401, "Invalid token: access token is invalid"),
    ],
)
async def test_a_call_without_proof_is_refused(http, headers, path, status, message):
    assert (await get(http, path, headers))[:2] == (
        status,
        {"statusCode": status, "message": message, "error": "Unauthorized"},
    )


async def test_a_missing_parameter_is_refused_with_a_list(ghl, http, known):
    token = ghl.agency.private_token(known.id)

    status, content, _ = await get(http, "/workflows/", bearer(token))

    assert status == 422
    assert content["message"] == ["locationId must be a string", "locationId should not be empty"]


async def test_the_scope_is_looked_at_before_the_location(ghl, http, known):
    token = ghl.agency.private_token(known.id, LOCATION_SCOPES - {"forms.readonly"})

    assert (await get(http, "/forms/?locationId=other", bearer(token)))[0] == 401
    assert (await get(http, "/calendars/?locationId=other", bearer(token)))[0] == 403


async def test_the_shape_of_v3_is_an_object(ghl, http, known):
    ghl.agency.v3_error_shape = True
    token = ghl.agency.private_token(known.id)

    status, content, _ = await get(http, "/workflows/w-1/definition", bearer(token, V3))

    assert (status, content["error"]["code"]) == (403, "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION")
    assert (await get(http, "/nowhere", bearer(token)))[1] == {
        "statusCode": 404,
        "message": "Not Found",
    }


async def test_the_limit_is_a_window_that_moves(ghl, http, known, timer):
    ghl.agency.limit.calls, ghl.agency.limit.seconds = 2, 5.0
    token = ghl.agency.private_token(known.id)
    path = f"/locations/{known.id}"

    async def status_at(second: float) -> int:
        timer.at = 1000 + second
        return (await get(http, path, bearer(token)))[0]

    assert [await status_at(each) for each in (0, 3, 4, 5, 6, 8)] == [200, 200, 429, 200, 429, 200]
    _, _, headers = await get(http, path, bearer(token))
    assert headers["X-RateLimit-Interval-Milliseconds"] == "5000"
    assert (headers["X-RateLimit-Max"], headers["X-RateLimit-Remaining"]) == ("2", "0")
    assert "Retry-After" not in headers


def refresh(ghl, token: str) -> dict[str, str]:
    return {
        "client_id": ghl.agency.client_id,
        "client_secret": ghl.agency.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": token,
    }


async def test_a_refresh_token_works_once(ghl, http, known):
    _, old = ghl.agency.grant(known.id)

    async with http.post("/oauth/token", data=refresh(ghl, old)) as response:
        first = await response.json()
    async with http.post("/oauth/token", data=refresh(ghl, old)) as response:
        again = await response.json()

    assert first["refresh_token"] != old
    assert ghl.agency.bearer(first["access_token"]).owner == known.id
    assert again == {"statusCode": 400, "message": "Invalid grant: refresh token is invalid"}


@pytest.mark.parametrize("as_json", [True, False])
async def test_v3_has_words_of_its_own(ghl, http, known, as_json):
    _, old = ghl.agency.grant(known.id)
    asked = {
        "clientId": ghl.agency.client_id,
        "clientSecret": ghl.agency.client_secret,
        "grantType": "refresh_token",
        "refreshToken": old,
    }
    body = {"json": asked} if as_json else {"data": asked}

    async with http.post("/oauth/token", headers=V3, **body) as response:
        content = await response.json()

    assert content["refreshToken"] in ghl.agency.refresh_tokens
    assert content["accessToken"] in ghl.agency.tokens
    assert content["expiresIn"] == 86399


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"client_secret": "wrong"}, 401, "Invalid client: client credentials are invalid"),
        ({"client_id": ""}, 400, "Missing parameter: client_id"),
        ({"refresh_token": ""}, 400, "Missing parameter: refresh_token"),
        ({"grant_type": "password"}, 400, "Invalid parameter: grant_type"),
    ],
)
async def test_a_wrong_refresh_is_refused_and_uses_nothing_up(
    ghl, http, known, *, changed, status, message
):
    _, old = ghl.agency.grant(known.id)

    async with http.post("/oauth/token", data=refresh(ghl, old) | changed) as response:
        content = await response.json()

    assert (response.status, content["message"]) == (status, message)
    assert old in ghl.agency.refresh_tokens


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_by_itself_and_stops_cleanly(signal_number):
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.ghl", "--port", "0"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        url = (await program.stdout.readline()).decode().split()[1]
        _, location_id, _, token, _ = (await program.stdout.readline()).decode().split(maxsplit=4)
        async with aiohttp.ClientSession(url) as http:
            path = f"/workflows/?locationId={location_id}"
            status, content, _ = await get(http, path, bearer(token))
        assert (status, len(content["workflows"])) == (200, 4)
    finally:
        program.send_signal(signal_number)
        _, errors = await asyncio.wait_for(program.communicate(), 10)
    assert (program.returncode, errors) == (0, b"")
