"""The workflow list and the definitions, over a socket."""

from datetime import UTC, datetime

import pytest

from services.scheduler.ghl.problems import GhlNotFound, NotPermitted
from services.scheduler.ghl.tokens import PrivateToken
from services.scheduler.ghl.values import ApiVersion, WorkflowMetadata
from tests.support.ghl_agency import a_workflow, demo_agency, in_a_row, sms
from tests.support.ghl_state import LOCATION_SCOPES


@pytest.mark.parametrize("version", ApiVersion)
async def test_the_list_gives_what_the_api_says_of_each_workflow(ghl, known, location, version):
    known.workflows = [
        a_workflow("w-1", "New lead", locationId=known.id),
        a_workflow("w-2", "Old promotion", status="draft", version=2),
    ]

    listing = await location.workflows(version)

    assert listing.skipped == 0
    assert listing.items[0] == WorkflowMetadata(
        id="w-1",
        name="New lead",
        status="published",
        version=7,
        created_at=datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        updated_at=datetime(2026, 10, 2, 8, 10, tzinfo=UTC),
    )
    assert [(each.id, each.status) for each in listing.items] == [
        ("w-1", "published"),
        ("w-2", "draft"),
    ]
    assert [each.version for each in ghl.calls] == [version]
    assert ghl.calls[0].query["locationId"] == known.id


async def test_a_location_without_workflows_has_an_empty_list(location):
    assert (await location.workflows()).items == ()


async def test_a_workflow_of_another_location_is_left_out(known, location):
    known.workflows = [a_workflow("w-1"), a_workflow("w-2", locationId="SomebodyElse00000001")]

    listing = await location.workflows()

    assert ([each.id for each in listing.items], listing.skipped) == (["w-1"], 1)


async def test_a_workflow_that_is_listed_twice_is_given_once(known, location):
    known.workflows = [a_workflow("w-1", "First"), a_workflow("w-1", "Second")]

    listing = await location.workflows()

    assert [each.name for each in listing.items] == ["First"]


async def test_a_definition_is_given_whole_and_with_its_version(ghl, known, location):
    known.workflow_api = True
    steps = in_a_row(sms("s1", "Hello"), sms("s2", "Bye"))
    known.workflows = [a_workflow("w-1", actions=steps, settings={"stopOnResponse": True})]

    definition = await location.definition("w-1")

    assert (definition.workflow_id, definition.version) == ("w-1", 7)
    assert definition.content == known.workflows[0]
    assert ghl.calls[0].version == "v3"


@pytest.mark.parametrize("v3_error_shape", [True, False])
async def test_a_closed_workflow_api_is_named_by_its_code(ghl, known, location, v3_error_shape):
    ghl.agency.v3_error_shape = v3_error_shape
    known.workflows = [a_workflow("w-1")]

    with pytest.raises(NotPermitted) as refused:
        await location.definition("w-1")

    assert refused.value.resource == "workflow definitions"
    assert refused.value.code == "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION"


async def test_a_workflow_that_was_deleted_meanwhile_is_not_found(known, location):
    known.workflow_api = True

    with pytest.raises(GhlNotFound):
        await location.definition("w-gone")


@pytest.mark.parametrize("workflow_id", ["..", "a/b", "", "a?b=c", "ü", "x" * 201])
async def test_an_id_that_cannot_be_one_is_not_found_without_a_call(ghl, location, workflow_id):
    with pytest.raises(GhlNotFound):
        await location.definition(workflow_id)

    assert ghl.calls == []


async def test_the_calls_of_a_scan_are_counted(connect, known):
    known.workflow_api = True
    known.workflows = [a_workflow("w-1"), a_workflow("w-2")]
    first, second = connect(), connect(scopes=LOCATION_SCOPES)

    await first.workflows()
    await first.definition("w-1")
    await first.definition("w-2")

    assert (first.calls, second.calls) == (3, 0)


async def test_the_demo_agency_can_be_read_as_it_is(ghl, client):
    agency = demo_agency()
    ghl.agency.locations |= agency.locations

    for each in agency.locations.values():
        token = PrivateToken(ghl.agency.private_token(each.id))
        read = client.location(each.id, token)
        workflows = await read.workflows()
        assert (len(workflows.items), workflows.skipped) == (len(each.workflows), 0)
        profile = await read.profile()
        listings = [
            await read.tags(),
            await read.custom_fields(),
            await read.custom_values(),
            await read.templates(),
            await read.users(profile.company_id),
            await read.pipelines(),
            await read.calendars(),
            await read.forms(),
            await read.phone_numbers(),
        ]
        assert all(listing.items and not listing.skipped for listing in listings)
