"""Connects a location to GoHighLevel."""

import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.settings import SchedulerSettings
from tests.scheduler.asking import LOCATION, refusal, scanned, sql
from tests.scheduler.knowing import connect, connected, connection, has, workflow
from tests.support.ghl_state import LOCATION_SCOPES
from tests.support.receivers import Answer
from tests.support.waiting import eventually


@pytest.fixture
def settings(settings, ghl) -> SchedulerSettings:
    """The scheduler knows the marketplace app."""
    known = {"ghl_client_id": ghl.agency.client_id, "ghl_client_secret": ghl.agency.client_secret}
    return SchedulerSettings(**settings.model_dump() | known)


async def test_a_private_token_is_tried_and_kept(scheduler, ghl):
    has(ghl, workflow("wf-1"), workflow("wf-2"))
    token = ghl.agency.private_token(LOCATION)

    made = await connect(scheduler, private_token=token, actor="key of ops")

    assert made.workflow_count == 2
    assert made.connection.kind == pb.CONNECTION_KIND_PRIVATE_TOKEN
    assert made.connection.status == pb.CONNECTION_STATUS_CONNECTED
    assert (made.connection.connected_by, made.connection.error) == ("key of ops", "")
    assert made.connection.HasField("last_read_at")
    assert made.connection == await connection(scheduler)


async def test_a_grant_is_renewed_and_kept(scheduler, ghl, url):
    _, refresh = ghl.agency.grant(LOCATION)

    made = await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh))

    assert made.connection.kind == pb.CONNECTION_KIND_OAUTH
    assert made.connection.HasField("access_expires_at")
    assert refresh not in ghl.agency.refresh_tokens
    assert (await scanned(scheduler)).summary.ghl_calls > 0
    assert (await connection(scheduler)).status == pb.CONNECTION_STATUS_CONNECTED


async def test_an_access_token_that_holds_is_used_as_it_is(scheduler, ghl):
    access, refresh = ghl.agency.grant(LOCATION)

    await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh, access_token=access))

    assert ghl.calls_of("/oauth/token") == []


async def test_tokens_are_neither_readable_in_the_database_nor_logged(scheduler, ghl, url, capsys):
    access, refresh = ghl.agency.grant(LOCATION)
    await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh, access_token=access))
    private = await connected(scheduler, ghl)
    await scanned(scheduler)

    [row] = await sql(url, "SELECT ghl_connections::text AS whole FROM ghl_connections")
    told = capsys.readouterr().out + row.whole
    assert "rpc.answered" in told
    for secret in (access, refresh, private, private.encode().hex()):
        assert secret not in told


async def test_a_location_is_connected_anew(scheduler, ghl):
    _, refresh = ghl.agency.grant(LOCATION)
    await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh))

    await connected(scheduler, ghl)

    assert (await connection(scheduler)).kind == pb.CONNECTION_KIND_PRIVATE_TOKEN
    assert (await scanned(scheduler)).partial is False


async def test_a_new_token_may_read_what_the_old_one_was_refused(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl, scopes=LOCATION_SCOPES - {"forms.readonly"})
    await scanned(scheduler)
    assert [each.resource for each in (await connection(scheduler)).unreadable] == ["forms"]

    await connected(scheduler, ghl)
    await scanned(scheduler)

    assert list((await connection(scheduler)).unreadable) == []


async def test_without_an_answer_the_connection_is_kept_untried(scheduler, ghl):
    ghl.answer_next(Answer(503), Answer(503), path="/workflows/")
    token = ghl.agency.private_token(LOCATION)

    made = await connect(scheduler, private_token=token)

    assert not made.HasField("workflow_count")
    assert made.connection.error == "GoHighLevel did not answer; the same call may work later."
    assert made.connection.status == pb.CONNECTION_STATUS_CONNECTED
    await scanned(scheduler)
    now = await connection(scheduler)
    assert (now.error, now.HasField("last_read_at")) == ("", True)


async def test_a_connection_that_works_again_is_told(scheduler, ghl, notifier):
    has(ghl, workflow("wf-1"))
    token = await connected(scheduler, ghl)
    del ghl.agency.tokens[token]
    await scanned(scheduler)
    await eventually(lambda: notifier.told("connection_expired"))

    await connected(scheduler, ghl)

    [restored] = await eventually(lambda: notifier.told("connection_restored"))
    assert restored.location_id == LOCATION


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [(None, "CONNECTION_EXPIRED"), ({"forms.readonly"}, "GHL_NOT_PERMITTED")],
)
async def test_a_token_that_does_not_work_leaves_the_connection_as_it_was(
    scheduler, ghl, scopes, reason
):
    await connected(scheduler, ghl)
    before = await connection(scheduler)
    bad = "pit-nobody" if scopes is None else ghl.agency.private_token(LOCATION, scopes)

    assert (await refusal(connect(scheduler, private_token=bad))).reason == reason

    assert await connection(scheduler) == before
    assert (await scanned(scheduler)).partial is False


async def test_a_token_of_another_location_is_refused(scheduler, ghl):
    ghl.agency.add_location("another")

    problem = await refusal(connect(scheduler, private_token=ghl.agency.private_token("another")))

    assert problem.reason == "GHL_NOT_PERMITTED"


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"location": "", "private_token": "pit-1"}, "LOCATION_MISSING", "location_id"),
        ({}, "TOKEN_MISSING", "private_token"),
        ({"private_token": ""}, "TOKEN_MISSING", "private_token"),
        ({"oauth": pb.OAuthGrant()}, "TOKEN_MISSING", "oauth.refresh_token"),
        ({"private_token": "x" * 8193}, "FIELD_TOO_LONG", "private_token"),
        ({"private_token": "pit-1", "actor": "x" * 201}, "FIELD_TOO_LONG", "actor"),
    ],
)
async def test_what_is_wrong_is_refused_by_field(lasting_scheduler, fields, reason, field):
    problem = await refusal(connect(lasting_scheduler, **fields))

    assert (problem.reason, problem.fields[0].field) == (reason, field)


async def test_a_token_that_is_no_token_is_refused(lasting_scheduler):
    problem = await refusal(connect(lasting_scheduler, private_token="two words"))

    assert problem.reason == "TOKEN_MALFORMED"
    assert "two words" not in str(problem)


async def test_without_an_app_no_grant_can_be_used(lasting_scheduler):
    grant = pb.OAuthGrant(refresh_token="a-refresh-token")

    assert (await refusal(connect(lasting_scheduler, oauth=grant))).reason == "OAUTH_APP_MISSING"
