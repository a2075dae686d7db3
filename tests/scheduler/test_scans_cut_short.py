"""Scans that could not read all they wanted: they end partial and say so, or go on."""

import grpc
import pytest

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.settings import SchedulerSettings
from tests.scheduler.asking import LOCATION, ended, history, run_now, scanned, sql
from tests.scheduler.knowing import (
    EMPTY_WAIT,
    connect,
    connected,
    connection,
    found_rules,
    has,
    results,
    upload,
    workflow,
)
from tests.support.receivers import Answer
from tests.support.waiting import eventually

TOO_MANY = Answer(429, {"X-RateLimit-Interval-Milliseconds": "100"})
REFUSED = Answer(401, body=[b'{"statusCode":401,"message":"Invalid token"}'])
FIVE = [workflow(f"wf-{n}") for n in range(5)]


@pytest.fixture
def settings(settings, ghl) -> SchedulerSettings:
    known = {"ghl_client_id": ghl.agency.client_id, "ghl_client_secret": ghl.agency.client_secret}
    return SchedulerSettings(**settings.model_dump() | known)


def gaps(result: pb.WorkflowResult) -> dict[str, str]:
    return {each.id: each.detail for each in result.coverage}


async def test_a_few_429_are_sat_out(scheduler, ghl):
    has(ghl, *FIVE)
    await connected(scheduler, ghl)
    ghl.answer_next(TOO_MANY, TOO_MANY, path="/definition")

    done = await scanned(scheduler)

    assert done.partial is False
    assert all("GHL213" in each.assessed_rule_ids for each in (await results(scheduler)).values())


async def test_during_429_a_scan_ends_partial_and_says_what_was_not_assessed(
    scheduler, ghl, ingestion, notifier
):
    has(ghl, *FIVE)
    ingestion.knows("wf-0", history(*"F" * 20))
    await connected(scheduler, ghl)
    ghl.answer_next(*[TOO_MANY] * 40, path="/definition")

    done = await scanned(scheduler)

    assert (done.status, done.partial) == (pb.SCAN_STATUS_COMPLETED, True)
    assert "Not read: 5 of 5 workflow definitions" in done.summary.text
    told = (await results(scheduler))["wf-0"]
    assert "GHL213" not in told.assessed_rule_ids
    assert "GHL402" in told.assessed_rule_ids
    assert "GoHighLevel wants fewer calls" in gaps(told)["GHL905"]
    assert "GoHighLevel wants fewer calls" in gaps(told)["GHL901"]
    [event] = await eventually(lambda: notifier.told("scan_completed"))
    assert event.scan_completed.partial
    assert (await connection(scheduler)).status == pb.CONNECTION_STATUS_CONNECTED


async def test_after_that_nothing_more_is_asked_for(scheduler, ghl):
    has(ghl, *FIVE)
    await connected(scheduler, ghl)
    await upload(scheduler, workflow("wf-0", EMPTY_WAIT), "wf-0")
    ghl.answer_next(*[TOO_MANY] * 40, path="/definition")

    done = await scanned(scheduler)

    assert ghl.calls_of("/tags") == []
    assert "tags" in done.summary.text
    # What was uploaded stands in for what was not given.
    assert ("GHL222", "wf-0") in await found_rules(scheduler)


async def test_a_token_that_expires_midway_leaves_what_was_read(
    scheduler, ghl, ingestion, notifier
):
    has(ghl, workflow("wf-0", EMPTY_WAIT), *FIVE[1:])
    ingestion.knows("wf-1", history(*"F" * 20))
    token = await connected(scheduler, ghl)
    original = ghl.agency.bearer

    def bearer(shown):
        # The first definition is answered, then the token ends.
        if ghl.calls_of("/definition")[1:]:
            ghl.agency.tokens.pop(token, None)
        return original(shown)

    ghl.agency.bearer = bearer

    done = await scanned(scheduler)

    assert (done.status, done.partial) == (pb.SCAN_STATUS_COMPLETED, True)
    assert "no longer accepts the token" in done.summary.text
    assert "4 of 5 workflow definitions" in done.summary.text
    assert {("GHL222", "wf-0"), ("GHL402", "wf-1")} <= await found_rules(scheduler)
    lacking = {each.rule_id for each in (await results(scheduler))["wf-1"].not_assessed}
    assert {"GHL213", "GHL222"} <= lacking
    [event] = await eventually(lambda: notifier.told("connection_expired"))
    assert event.location_id == LOCATION
    assert "connect the location again" in event.connection_expired.error
    assert (await connection(scheduler)).status == pb.CONNECTION_STATUS_EXPIRED


async def test_an_expired_connection_is_told_once(scheduler, ghl, notifier):
    token = await connected(scheduler, ghl)
    del ghl.agency.tokens[token]

    first, second = await scanned(scheduler), await scanned(scheduler)

    assert first.partial
    assert second.partial
    await eventually(lambda: len(notifier.told("scan_completed")) == 2)
    assert len(notifier.told("connection_expired")) == 1


async def test_a_token_that_is_accepted_again_is_told(scheduler, ghl, notifier):
    token = await connected(scheduler, ghl)
    held = ghl.agency.tokens.pop(token)
    await scanned(scheduler)
    ghl.agency.tokens[token] = held

    done = await scanned(scheduler)

    assert done.partial is False
    await eventually(lambda: notifier.told("connection_restored"))
    assert (await connection(scheduler)).status == pb.CONNECTION_STATUS_CONNECTED


async def test_a_grant_that_ends_midway_is_renewed_and_the_scan_is_whole(scheduler, ghl):
    has(ghl, *FIVE)
    access, refresh = ghl.agency.grant(LOCATION)
    await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh, access_token=access))
    ghl.answer_next(REFUSED, path="wf-2/definition")
    original = ghl.agency.bearer

    def bearer(shown):
        if ghl.calls_of("/definition")[2:]:
            ghl.agency.tokens.pop(access, None)
        return original(shown)

    ghl.agency.bearer = bearer

    done = await scanned(scheduler)

    assert (done.partial, done.workflows_scanned) == (False, 5)
    assert len(ghl.calls_of("/oauth/token")) == 1
    assert all("GHL213" in each.assessed_rule_ids for each in (await results(scheduler)).values())


async def test_a_grant_that_is_used_up_ends_the_connection(scheduler, ghl, notifier):
    access, refresh = ghl.agency.grant(LOCATION)
    await connect(scheduler, oauth=pb.OAuthGrant(refresh_token=refresh, access_token=access))
    ghl.agency.tokens.clear()
    ghl.agency.refresh_tokens.clear()

    done = await scanned(scheduler)

    assert done.partial
    await eventually(lambda: notifier.told("connection_expired"))


async def test_when_ghl_is_away_the_runs_are_judged(scheduler, ghl, ingestion, notifier):
    ingestion.knows("wf-1", history(*"F" * 20))
    await connected(scheduler, ghl)
    ghl.answer_next(503, 503, path="/workflows/")

    done = await scanned(scheduler)

    assert (done.partial, done.workflows_scanned) == (True, 1)
    assert "Not read: workflows." in done.summary.text
    assert ("GHL402", "wf-1") in await found_rules(scheduler)
    assert (await connection(scheduler)).status == pb.CONNECTION_STATUS_CONNECTED


async def test_when_ghl_stops_answering_it_is_left_alone(scheduler, ghl):
    has(ghl, *(workflow(f"wf-{n}") for n in range(20)))
    await connected(scheduler, ghl)
    ghl.answer_next(*[503] * 60, path="/definition")

    done = await scanned(scheduler)

    assert done.partial
    # Three that failed twice, and those that were under way meanwhile.
    assert len(ghl.calls_of("/definition")) <= 2 * (3 + 4)


async def test_another_attempt_does_not_read_again_what_was_read(scheduler, ghl, ingestion, url):
    has(ghl, *FIVE)
    await connected(scheduler, ghl)
    ingestion.refuses_histories_with = grpc.StatusCode.INTERNAL
    started = await run_now(scheduler)

    async def waits():
        return await sql(url, "SELECT 1 FROM scan_history WHERE attempt = 1 AND status = 'queued'")

    await eventually(waits)
    assert len(ghl.calls_of("/definition")) == 5
    ingestion.refuses_histories_with = None
    await sql(url, "UPDATE scan_history SET not_before = clock_now()")

    done = await ended(scheduler, started.scan_id)

    assert (done.attempt, done.workflows_scanned, done.partial) == (2, 5, False)
    assert len(ghl.calls_of("/definition")) == 5
    assert all("GHL213" in each.assessed_rule_ids for each in (await results(scheduler)).values())
