"""Keeps the definition of a workflow as its builder exports it."""

import json

import pytest

from tests.scheduler.asking import LOCATION, history, refusal, scanned, sql
from tests.scheduler.knowing import (
    EMPTY_WAIT,
    HEALTHY,
    connected,
    found_rules,
    has,
    results,
    snapshots,
    upload,
    workflow,
)


async def test_what_was_understood_is_told(scheduler):
    strange = {"id": "x1", "type": "send_pigeon", "name": "Coo", "attributes": {}}
    export = workflow("wf-1", [*HEALTHY, strange], status="published")

    found = await upload(scheduler, export, actor="key of ops")

    assert (found.workflow_id, found.name, found.status) == ("wf-1", "About wf-1", "published")
    assert (found.step_count, found.trigger_count) == (4, 1)
    assert list(found.unknown_types) == ["send_pigeon"]
    assert found.size == len(json.dumps(export))
    assert not found.unchanged
    [kept] = (await snapshots(scheduler))[0].definitions
    assert (kept.uploaded_by, kept.step_count) == ("key of ops", 4)


async def test_the_same_again_is_told_as_unchanged(scheduler):
    export = workflow("wf-1")
    await upload(scheduler, export)

    assert (await upload(scheduler, export)).unchanged
    assert not (await upload(scheduler, export | {"name": "Other"})).unchanged


async def test_a_scan_judges_what_was_uploaded(scheduler, ingestion):
    await upload(scheduler, workflow("wf-1", EMPTY_WAIT, status="published"))

    done = await scanned(scheduler)

    assert (done.workflows_scanned, done.partial) == (1, False)
    assert ("GHL222", "wf-1") in await found_rules(scheduler)
    result = (await results(scheduler))["wf-1"]
    assert result.workflow.workflow_name == "About wf-1"
    assert "GHL213" in result.assessed_rule_ids
    assert "GHL205" not in result.assessed_rule_ids


async def test_an_uploaded_draft_is_not_active(scheduler, ingestion):
    ingestion.knows("wf-1", history(*"SSSSS"))
    await upload(scheduler, workflow("wf-1", status="draft"))

    assert (await scanned(scheduler)).workflows_scanned == 0


async def test_the_newest_upload_counts_where_the_api_is_not_switched_on(scheduler, ghl):
    has(ghl, workflow("wf-1"), api=False)
    await connected(scheduler, ghl)
    await upload(scheduler, workflow("wf-1", EMPTY_WAIT))
    await scanned(scheduler)
    assert ("GHL222", "wf-1") in await found_rules(scheduler)

    await upload(scheduler, workflow("wf-1"))
    await scanned(scheduler)

    assert ("GHL222", "wf-1") not in await found_rules(scheduler)


async def test_what_ghl_gives_counts_more_than_an_upload(scheduler, ghl):
    has(ghl, workflow("wf-1"))
    await connected(scheduler, ghl)
    await upload(scheduler, workflow("wf-1", EMPTY_WAIT))

    await scanned(scheduler)

    assert ("GHL222", "wf-1") not in await found_rules(scheduler)


async def test_a_definition_lies_sealed(scheduler, url):
    secret = {"id": "h1", "type": "webhook", "attributes": {"url": "https://a.test/?key=hush"}}
    await upload(scheduler, workflow("wf-1", [secret]))

    [row] = await sql(url, "SELECT encode(content, 'escape') AS content FROM workflow_definitions")

    assert "hush" not in row.content


async def test_uploads_of_another_location_are_left_alone(scheduler):
    await upload(scheduler, workflow("wf-1"), location_id="loc-2")

    assert (await scanned(scheduler)).workflows_total == 0
    assert await snapshots(scheduler) == []


DEEP = b'{"steps":' + b"[" * 70 + b"]" * 70 + b"}"
VERY_DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "DEFINITION_NOT_JSON"),
        (b"{", "DEFINITION_NOT_JSON"),
        (b'{"steps": NaN}', "DEFINITION_NOT_JSON"),
        (b"\xff\xfe", "DEFINITION_NOT_JSON"),
        (b"[]", "DEFINITION_WITHOUT_STEPS"),
        (b'"text"', "DEFINITION_WITHOUT_STEPS"),
        (b'{"name": "no steps"}', "DEFINITION_WITHOUT_STEPS"),
        (DEEP, "DEFINITION_TOO_DEEP"),
        (VERY_DEEP, "DEFINITION_TOO_DEEP"),
        (b" " * (2 * 1024**2 + 1), "DEFINITION_TOO_LARGE"),
    ],
    ids=str,
)
async def test_what_cannot_be_used_is_refused(lasting_scheduler, content, reason):
    problem = await refusal(upload(lasting_scheduler, content))

    assert (problem.reason, problem.fields[0].field) == (reason, "content")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"workflow_id": ""}, "WORKFLOW_MISSING"),
        ({"workflow_id": "x" * 65}, "FIELD_TOO_LONG"),
        ({"location_id": ""}, "LOCATION_MISSING"),
        ({"actor": "x" * 201}, "FIELD_TOO_LONG"),
    ],
)
async def test_whose_it_is_must_be_told(lasting_scheduler, fields, reason):
    problem = await refusal(upload(lasting_scheduler, b'{"steps": []}', **fields))

    assert problem.reason == reason


async def test_a_definition_of_two_mebibytes_is_kept(scheduler):
    body = "x" * 2_000_000
    found = await upload(scheduler, workflow("wf-1", [HEALTHY[0] | {"note": body}]))

    assert found.size > 2_000_000
    assert (await scanned(scheduler, LOCATION)).workflows_scanned == 1
