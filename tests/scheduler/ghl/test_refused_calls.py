"""What comes of a call that GoHighLevel does not answer as asked: each has a name of its own."""

import json
from datetime import timedelta

import pytest

from libs.problems import Unavailable, WrongState
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.problems import (
    ConnectionExpired,
    GhlNotFound,
    GhlRefused,
    GhlUnavailable,
    NotPermitted,
)
from services.scheduler.ghl.tokens import PrivateToken
from tests.support.ghl_agency import a_workflow
from tests.support.ghl_state import LOCATION_SCOPES
from tests.support.receivers import Answer, redirect

HANG_UP = Answer(hang_up=True)


def saying(status: int, content: object) -> Answer:
    return Answer(status, body=[json.dumps(content).encode()])


async def test_a_private_token_that_was_revoked_means_the_connection_expired(ghl, connect):
    location = connect()
    ghl.agency.tokens.clear()

    with pytest.raises(ConnectionExpired) as expired:
        await location.workflows()

    assert isinstance(expired.value, WrongState)
    assert len(ghl.calls) == 1


@pytest.mark.parametrize("v3_error_shape", [True, False])
async def test_a_missing_scope_is_no_expired_connection(ghl, connect, v3_error_shape):
    ghl.agency.v3_error_shape = v3_error_shape
    location = connect(scopes=LOCATION_SCOPES - {"locations/tags.readonly"})

    with pytest.raises(NotPermitted) as refused:
        await location.tags()

    assert (refused.value.resource, refused.value.code) == ("tags", "SCOPE_MISSING")
    assert "tags" in refused.value.message
    await location.calendars()


async def test_the_token_of_another_location_is_not_permitted(ghl, client, known):
    ghl.agency.add_location("SomebodyElse00000001")
    token = PrivateToken(ghl.agency.private_token("SomebodyElse00000001"))

    with pytest.raises(NotPermitted) as refused:
        await client.location(known.id, token).workflows()

    assert refused.value.code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("answer", "problem", "says"),
    [
        (saying(400, {"statusCode": 400, "message": "Bad Request"}), GhlRefused, "Bad Request"),
        (
            saying(422, {"statusCode": 422, "message": ["a is wrong", "b is missing"]}),
            GhlRefused,
            "a is wrong; b is missing",
        ),
        (
            saying(422, {"error": {"code": "INVALID_ARGUMENT", "message": "c is wrong"}}),
            GhlRefused,
            "c is wrong",
        ),
        (saying(409, {"message": {"odd": 1}}), GhlRefused, "no reason"),
        (saying(404, {"statusCode": 404, "message": "Not Found"}), GhlNotFound, "does not know"),
        (saying(403, {"statusCode": 403, "message": "Forbidden"}), NotPermitted, "does not let"),
        (saying(403, [1, 2]), NotPermitted, "does not let"),
        (Answer(401, body=[b"<html>"]), ConnectionExpired, "connect the location again"),
        (redirect("https://elsewhere.example/"), GhlUnavailable, "did not answer"),
        (Answer(408), GhlUnavailable, "did not answer"),
    ],
)
async def test_each_refusal_has_its_problem(ghl, location, answer, problem, says):
    ghl.answer_next(answer)

    with pytest.raises(problem) as refused:
        await location.workflows()

    assert says in refused.value.message
    assert len(ghl.calls) == 1


async def test_a_long_word_of_an_error_is_not_repeated_because_it_may_be_the_token(ghl, location):
    secret = "pit-0123456789abcdef0123456789abcdef"
    ghl.answer_next(saying(400, {"message": f"Bad token {secret} given"}))

    with pytest.raises(GhlRefused) as refused:
        await location.workflows()

    assert "Bad token … given" in refused.value.message


@pytest.mark.parametrize("fault", [Answer(500), Answer(502, body=[b"<html>"]), HANG_UP])
async def test_one_hiccup_is_passed_over(ghl, known, location, timer, fault):
    known.workflows = [a_workflow("w-1")]
    ghl.answer_next(fault)

    assert len((await location.workflows()).items) == 1
    assert (location.calls, timer.slept) == (2, [0.5])


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), HANG_UP])
async def test_faults_in_a_row_are_unavailable(ghl, location, fault):
    ghl.answer_next(fault, fault)

    with pytest.raises(GhlUnavailable) as problem:
        await location.workflows()

    assert isinstance(problem.value, Unavailable)
    assert location.calls == len(ghl.calls) == 2


async def test_nobody_at_the_address_is_unavailable(clock, timer):
    async with GhlClient.open("http://127.0.0.1:1", clock, timer=timer) as client:
        with pytest.raises(GhlUnavailable):
            await client.location("L1", PrivateToken("pit-1")).workflows()


async def test_an_answer_that_takes_too_long_is_unavailable(ghl, clock, timer):
    ghl.answer_next(*[Answer(body=[b"[", b"]"] * 100, drip=0.05)] * 2)
    async with GhlClient.open(ghl.url, clock, timer=timer, seconds=0.1) as client:
        with pytest.raises(GhlUnavailable, match="in time"):
            await client.location("L1", PrivateToken("pit-1")).workflows()


async def test_a_refused_list_is_not_asked_for_again_for_a_day(ghl, connect, clock):
    location = connect(scopes=LOCATION_SCOPES - {"forms.readonly"})
    with pytest.raises(NotPermitted):
        await location.forms()

    clock.move(timedelta(hours=23, minutes=59))
    with pytest.raises(NotPermitted) as remembered:
        await location.forms()
    assert (remembered.value.resource, remembered.value.code) == ("forms", "SCOPE_MISSING")
    assert len(ghl.calls) == 1

    clock.move(timedelta(minutes=1))
    with pytest.raises(NotPermitted):
        await location.forms()
    assert len(ghl.calls) == 2


async def test_a_refusal_is_remembered_for_its_list_and_location_only(ghl, client, connect):
    location = connect(scopes=LOCATION_SCOPES - {"forms.readonly"})
    other = ghl.agency.add_location("SomebodyElse00000001")
    with pytest.raises(NotPermitted):
        await location.forms()

    await location.calendars()
    await client.location(other.id, PrivateToken(ghl.agency.private_token(other.id))).forms()


async def test_a_location_that_is_connected_anew_is_asked_again(client, connect, known):
    location = connect(scopes=LOCATION_SCOPES - {"forms.readonly"})
    with pytest.raises(NotPermitted):
        await location.forms()

    client.forget(known.id)

    await connect().forms()
