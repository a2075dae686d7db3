"""Tokens that end: one renewal for everybody, and the new refresh token kept before it is used."""

import asyncio
import gc
from datetime import timedelta

import pytest

from libs.problems import Unavailable
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.oauth import OAuthApp
from services.scheduler.ghl.problems import (
    ConnectionExpired,
    GhlAnswerUnreadable,
    GhlUnavailable,
    LocationInactive,
    NotPermitted,
    OAuthAppRefused,
    RateLimited,
)
from services.scheduler.ghl.tokens import PrivateToken
from tests.support.ghl_agency import a_workflow
from tests.support.ghl_client import MemoryKeeper, a_grant
from tests.support.ghl_state import COMPANY_ID
from tests.support.receivers import Answer
from tests.support.waiting import eventually

TOKEN = "/oauth/token"


@pytest.fixture
def keeper(ghl, known, clock) -> MemoryKeeper:
    access, refresh = ghl.agency.grant(known.id)
    return MemoryKeeper(a_grant(access, refresh, clock.now() + timedelta(days=1)))


@pytest.fixture
def app(ghl) -> OAuthApp:
    return OAuthApp(ghl.agency.client_id, ghl.agency.client_secret)


@pytest.fixture
def tokens(client, known, app, keeper):
    return client.oauth_tokens(known.id, app, keeper)


@pytest.fixture
def location(client, known, tokens):
    known.workflow_api = True
    known.workflows = [a_workflow(f"w-{each}") for each in range(20)]
    return client.location(known.id, tokens)


def access_of(keeper: MemoryKeeper) -> str:
    return keeper.kept[-1].access.value


def end_the_token(ghl, keeper) -> None:
    ghl.agency.expire(access_of(keeper))


async def test_a_good_token_is_used_without_renewal(ghl, keeper, location):
    await location.workflows()

    assert [each.token for each in ghl.calls] == [access_of(keeper)]


async def test_twenty_calls_whose_token_ends_midway_share_one_renewal(ghl, keeper, location):
    await location.workflows()
    end_the_token(ghl, keeper)

    definitions = await asyncio.gather(*(location.definition(f"w-{each}") for each in range(20)))

    assert [each.workflow_id for each in definitions] == [f"w-{each}" for each in range(20)]
    assert len(ghl.calls_of(TOKEN)) == 1
    assert len(keeper.kept) == 2
    assert {each.token for each in ghl.calls if each.status == 200 and each.path != TOKEN} == {
        each.access.value for each in keeper.kept
    }


async def test_the_new_refresh_token_is_kept_before_the_new_access_token_is_used(
    ghl, keeper, location
):
    end_the_token(ghl, keeper)
    keeper.break_next(Unavailable("the database is away"))

    with pytest.raises(Unavailable, match="the database is away"):
        await location.workflows()

    issued = [each for each in ghl.agency.tokens if each != access_of(keeper)]
    assert len(issued) == 1
    assert not [each for each in ghl.calls if each.token in issued]


async def test_a_refresh_token_that_could_not_be_kept_is_not_lost(ghl, keeper, location):
    end_the_token(ghl, keeper)
    keeper.break_next(Unavailable("the database is away"), Unavailable("still away"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await location.workflows()

    await location.workflows()

    assert len(ghl.calls_of(TOKEN)) == 1
    assert keeper.kept[-1].refresh_token in ghl.agency.refresh_tokens


async def test_each_renewal_uses_the_refresh_token_of_the_one_before(ghl, keeper, location):
    for _ in range(3):
        end_the_token(ghl, keeper)
        await location.workflows()

    assert len(keeper.kept) == 4
    assert len({each.refresh_token for each in keeper.kept}) == 4
    assert list(ghl.agency.refresh_tokens) == [keeper.kept[-1].refresh_token]


async def test_a_token_that_is_about_to_end_is_renewed_before_it_is_refused(
    ghl, keeper, location, clock
):
    clock.move(timedelta(days=1, minutes=-1))

    await location.workflows()

    assert [each.status for each in ghl.calls] == [200, 200]
    assert ghl.calls[0].path == TOKEN


async def test_a_renewal_in_another_process_is_taken_over(
    ghl, keeper, location, *, clock, known, app
):
    await location.workflows()
    async with GhlClient.open(ghl.url, clock) as elsewhere:
        end_the_token(ghl, keeper)
        tokens = elsewhere.oauth_tokens(known.id, app, keeper)
        await elsewhere.location(known.id, tokens).workflows()

    await location.workflows()

    assert len(ghl.calls_of(TOKEN)) == 1


async def test_two_processes_that_renew_at_once_renew_once(
    ghl, keeper, location, *, clock, known, app
):
    await location.workflows()
    async with GhlClient.open(ghl.url, clock) as elsewhere:
        other = elsewhere.location(known.id, elsewhere.oauth_tokens(known.id, app, keeper))
        await other.workflows()
        end_the_token(ghl, keeper)

        await asyncio.gather(location.workflows(), other.workflows())

    assert len(ghl.calls_of(TOKEN)) == 1
    assert keeper.most_holders == 1


async def test_a_cancelled_caller_does_not_lose_the_renewal(ghl, keeper, location):
    end_the_token(ghl, keeper)
    keeper.open.clear()
    scan = asyncio.create_task(location.workflows())
    await eventually(lambda: ghl.calls_of(TOKEN))

    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    keeper.open.set()

    await eventually(lambda: len(keeper.kept) == 2)
    assert keeper.kept[-1].refresh_token in ghl.agency.refresh_tokens


async def test_a_renewal_that_fails_when_nobody_waits_is_no_noise(
    ghl, known, app, *, keeper, clock, caplog
):
    end_the_token(ghl, keeper)
    keeper.open.clear()
    keeper.break_next(Unavailable("the database is away"))

    async def left_alone() -> None:
        async with GhlClient.open(ghl.url, clock) as client:
            tokens = client.oauth_tokens(known.id, app, keeper)
            await tokens.current()
            renewal = asyncio.create_task(tokens.after(keeper.kept[0].access))
            await eventually(lambda: ghl.calls_of(TOKEN))
            renewal.cancel()
            asyncio.get_running_loop().call_later(0.01, keeper.open.set)

    await left_alone()
    gc.collect()

    assert caplog.text == ""


async def test_a_token_is_known_by_its_value_however_the_store_rounds_its_end(
    ghl, keeper, location
):
    await location.workflows()
    kept = keeper.kept[-1]
    rounded = kept.access.expires_at + timedelta(seconds=1)
    keeper.kept[-1] = a_grant(kept.access.value, kept.refresh_token, rounded)
    end_the_token(ghl, keeper)

    await location.workflows()

    assert len(ghl.calls_of(TOKEN)) == 1


async def test_closing_the_client_waits_for_a_renewal(ghl, known, app, keeper, clock):
    end_the_token(ghl, keeper)
    async with GhlClient.open(ghl.url, clock) as client:
        keeper.open.clear()
        tokens = client.oauth_tokens(known.id, app, keeper)
        scan = asyncio.create_task(client.location(known.id, tokens).workflows())
        await eventually(lambda: ghl.calls_of(TOKEN))
        scan.cancel()
        asyncio.get_running_loop().call_later(0.01, keeper.open.set)

    assert keeper.kept[-1].refresh_token in ghl.agency.refresh_tokens


async def test_closing_the_client_does_not_wait_for_ever(ghl, known, app, keeper, clock):
    end_the_token(ghl, keeper)
    keeper.open.clear()
    async with GhlClient.open(ghl.url, clock, seconds=0.1) as client:
        tokens = client.oauth_tokens(known.id, app, keeper)
        scan = asyncio.create_task(client.location(known.id, tokens).workflows())
        await eventually(lambda: ghl.calls_of(TOKEN))
        scan.cancel()

    assert len(keeper.kept) == 1


@pytest.mark.parametrize("v3_error_shape", [True, False])
async def test_a_refresh_token_that_was_used_up_means_the_connection_expired(
    ghl, keeper, location, v3_error_shape
):
    ghl.agency.v3_error_shape = v3_error_shape
    end_the_token(ghl, keeper)
    ghl.agency.refresh_tokens.clear()

    with pytest.raises(ConnectionExpired):
        await location.workflows()

    assert len(keeper.kept) == 1


async def test_a_paused_location_is_told_from_an_expired_connection(ghl, keeper, known, location):
    end_the_token(ghl, keeper)
    ghl.agency.paused.add(known.id)
    with pytest.raises(LocationInactive):
        await location.workflows()

    ghl.agency.paused.clear()

    await location.workflows()


async def test_a_wrong_client_secret_does_not_ask_to_connect_again(ghl, keeper, location):
    ghl.agency.client_secret = "rotated-meanwhile"
    end_the_token(ghl, keeper)

    with pytest.raises(OAuthAppRefused):
        await location.workflows()


async def test_a_token_that_is_refused_right_after_renewal_means_the_connection_expired(
    ghl, keeper, location
):
    end_the_token(ghl, keeper)
    ghl.oauth.expires_in = 0

    with pytest.raises(ConnectionExpired):
        await location.workflows()

    assert len(ghl.calls_of("/workflows/")) == 2


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([Answer(500)], GhlUnavailable),
        ([Answer(hang_up=True)], GhlUnavailable),
        ([Answer(body=[b"{}"])], GhlAnswerUnreadable),
        ([Answer(body=[b'{"access_token": "a b"}'])], GhlAnswerUnreadable),
        ([Answer(body=[b'{"access_token": 7}'])], GhlAnswerUnreadable),
        ([Answer(429)] * 4, RateLimited),
    ],
)
async def test_a_renewal_that_fails_can_be_tried_again(ghl, keeper, location, answers, problem):
    end_the_token(ghl, keeper)
    ghl.answer_next(*answers, path=TOKEN)
    with pytest.raises(problem):
        await location.workflows()
    assert len(ghl.calls_of(TOKEN)) == len(answers)

    await location.workflows()

    assert len(keeper.kept) == 2


async def test_an_answer_in_the_words_of_v3_is_read_too(ghl, keeper, location, clock, known):
    access, refresh = ghl.agency.grant(known.id)
    content = f'{{"accessToken":"{access}","refreshToken":"{refresh}","expiresIn":600}}'
    ghl.answer_next(Answer(body=[content.encode()]), path=TOKEN)
    end_the_token(ghl, keeper)

    await location.workflows()

    kept = keeper.kept[-1]
    assert (kept.access.value, kept.refresh_token) == (access, refresh)
    assert kept.access.expires_at == clock.now() + timedelta(minutes=10)


async def test_without_a_new_refresh_token_the_old_one_stays(ghl, keeper, location, known):
    access, _ = ghl.agency.grant(known.id)
    ghl.answer_next(Answer(body=[f'{{"access_token":"{access}"}}'.encode()]), path=TOKEN)
    end_the_token(ghl, keeper)

    await location.workflows()

    assert keeper.kept[-1].refresh_token == keeper.kept[0].refresh_token
    assert keeper.kept[-1].access.expires_at is None


async def test_the_tokens_of_a_location_are_the_same_for_every_scan(client, known, app, keeper):
    first = client.oauth_tokens(known.id, app, keeper)

    assert client.oauth_tokens(known.id, app, keeper) is first
    client.forget(known.id)
    assert client.oauth_tokens(known.id, app, keeper) is not first


async def test_the_token_of_an_agency_gives_one_for_a_location(ghl, client, known):
    agency = PrivateToken(ghl.agency.agency_token())
    tokens = client.location_tokens(COMPANY_ID, known.id, agency)
    location = client.location(known.id, tokens)

    await asyncio.gather(*(location.tags() for _ in range(5)))

    assert len(ghl.calls_of("/oauth/locationToken")) == 1
    assert ghl.calls[0].version == "2021-07-28"
    assert location.calls == 5


async def test_a_location_token_that_ended_is_exchanged_for_another(ghl, client, known):
    agency = PrivateToken(ghl.agency.agency_token())
    location = client.location(known.id, client.location_tokens(COMPANY_ID, known.id, agency))
    await location.tags()
    ghl.agency.expire(ghl.calls[-1].token)

    await location.tags()

    assert len(ghl.calls_of("/oauth/locationToken")) == 2


async def test_an_agency_that_is_no_longer_connected_has_no_location_tokens(ghl, client, known):
    agency = PrivateToken(ghl.agency.agency_token())
    location = client.location(known.id, client.location_tokens(COMPANY_ID, known.id, agency))
    ghl.agency.tokens.clear()

    with pytest.raises(ConnectionExpired):
        await location.tags()


@pytest.mark.parametrize(
    ("company_id", "scopes", "code"),
    [(COMPANY_ID, set(), "SCOPE_MISSING"), ("SomebodyElse00000001", {"oauth.write"}, "FORBIDDEN")],
)
async def test_an_agency_that_may_not_give_a_location_token_is_told_so(
    ghl, client, known, *, company_id, scopes, code
):
    agency = PrivateToken(ghl.agency.agency_token(scopes))
    location = client.location(known.id, client.location_tokens(company_id, known.id, agency))

    with pytest.raises(NotPermitted) as refused:
        await location.tags()

    assert (refused.value.resource, refused.value.code) == ("location token", code)
