"""Tokens and secrets show themselves in no repr, no problem, no traceback and no log."""

import traceback

import pytest

from libs.problems import Problem
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.oauth import Grant, OAuthApp
from services.scheduler.ghl.tokens import AccessToken, PrivateToken
from services.scheduler.ghl.wire import Answer as WireAnswer
from services.scheduler.ghl.wire import Call
from tests.support.receivers import Answer

SECRET = "pit-12345678-1234-4123-8123-123456789012"


@pytest.mark.parametrize(
    "value",
    [
        AccessToken(SECRET),
        Grant(AccessToken(SECRET), SECRET),
        OAuthApp("client", SECRET),
        PrivateToken(SECRET),
        Call("/oauth/token", form={"refresh_token": SECRET}),
        WireAnswer(200, {}, SECRET.encode()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_with_a_secret_does_not_show_it(value):
    assert SECRET not in f"{value!r} {value!s}"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, body=[b'{"message":"Bad token %s"}' % SECRET.encode()]),
        Answer(401, body=[b'{"message":"Bad token %s"}' % SECRET.encode()]),
        Answer(403, body=[b'{"error":{"code":"%s","message":"no"}}' % SECRET.encode()]),
        Answer(422, body=[b'{"message":["%s"]}' % SECRET.encode()]),
        Answer(500, body=[SECRET.encode()]),
        Answer(200, body=[SECRET.encode()]),
        Answer(200, {"X-Odd": "x" * 20_000}),
        Answer(hang_up=True),
    ],
    ids=lambda answer: f"{answer.status}",
)
async def test_no_problem_carries_the_token(ghl, client, known, answer, *, caplog, capsys):
    ghl.answer_next(answer, answer)

    with pytest.raises(Problem) as problem:
        await client.location(known.id, PrivateToken(SECRET)).workflows()

    told = "".join(traceback.format_exception(problem.value))
    assert SECRET not in told + repr(problem.value) + repr(problem.value.facts)
    assert not caplog.text
    assert SECRET not in capsys.readouterr().out


async def test_a_refused_connection_does_not_carry_the_token(clock, timer):
    async with GhlClient.open("http://127.0.0.1:1", clock, timer=timer) as client:
        with pytest.raises(Problem) as problem:
            await client.location("L1", PrivateToken(SECRET)).workflows()

    assert SECRET not in "".join(traceback.format_exception(problem.value))


async def test_a_redirect_does_not_take_the_token_elsewhere(ghl, client, known):
    elsewhere = Answer(302, {"Location": f"{ghl.url}/elsewhere"})
    ghl.answer_next(elsewhere)

    with pytest.raises(Problem):
        await client.location(known.id, PrivateToken(SECRET)).workflows()

    assert ghl.calls_of("/elsewhere") == []
