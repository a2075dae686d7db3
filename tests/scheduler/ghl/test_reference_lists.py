"""What rules look things up in: the reference lists of a location, whole."""

import pytest

from services.scheduler.ghl.problems import GhlAnswerUnreadable
from services.scheduler.ghl.values import (
    CustomField,
    CustomValue,
    LocationProfile,
    PhoneNumber,
    Pipeline,
    Reference,
    Template,
    User,
)
from tests.support.ghl_state import COMPANY_ID
from tests.support.receivers import Answer


def many(count: int) -> list[dict]:
    return [{"id": f"id-{each}", "name": f"Number {each}", "type": "sms"} for each in range(count)]


async def test_the_profile_names_the_agency_and_the_time_zone(known, location):
    assert await location.profile() == LocationProfile(
        id=known.id, name=known.name, company_id=COMPANY_ID, timezone="America/Chicago"
    )


async def test_the_profile_of_another_location_is_not_taken_for_ours(ghl, location):
    ghl.answer_next(Answer(body=[b'{"location":{"id":"SomebodyElse00000001","name":"Else"}}']))

    with pytest.raises(GhlAnswerUnreadable):
        await location.profile()


@pytest.mark.parametrize(
    ("key", "method", "entry", "expected"),
    [
        ("tags", "tags", {"id": "t", "name": "vip"}, Reference("t", "vip")),
        ("calendars", "calendars", {"id": "c", "name": "Check-up"}, Reference("c", "Check-up")),
        ("forms", "forms", {"_id": "f", "name": "Contact"}, Reference("f", "Contact")),
        (
            "customFields",
            "custom_fields",
            {
                "id": "f",
                "name": "Pin",
                "fieldKey": "contact.pin",
                "dataType": "TEXT",
                "model": "contact",
            },
            CustomField("f", "Pin", "contact.pin", "contact", "TEXT"),
        ),
        (
            "customValues",
            "custom_values",
            {
                "id": "v",
                "name": "Link",
                "fieldKey": "{{ custom_values.link }}",
                "value": "https://x.example",
            },
            CustomValue("v", "Link", "custom_values.link", filled=True),
        ),
        (
            "customValues",
            "custom_values",
            {"id": "v", "name": "Link", "fieldKey": "{{custom_values.link}}", "value": " "},
            CustomValue("v", "Link", "custom_values.link", filled=False),
        ),
        (
            "templates",
            "templates",
            {"id": "t", "name": "Hi", "type": "sms"},
            Template("t", "Hi", "sms"),
        ),
        (
            "pipelines",
            "pipelines",
            {"id": "p", "name": "Sales", "stages": [{"id": "s", "name": "New", "position": 0}]},
            Pipeline("p", "Sales", (Reference("s", "New"),)),
        ),
        (
            "numbers",
            "phone_numbers",
            {"phoneNumber": "+15005550006", "friendlyName": "Main", "capabilities": {"SMS": True}},
            PhoneNumber("+15005550006", "Main", sms=True),
        ),
        (
            "numbers",
            "phone_numbers",
            {"phoneNumber": "+15005550007", "capabilities": ["Voice"]},
            PhoneNumber("+15005550007", "", sms=False),
        ),
        (
            "numbers",
            "phone_numbers",
            {"phoneNumber": "+15005550008"},
            PhoneNumber("+15005550008", "", sms=None),
        ),
    ],
)
async def test_an_entry_is_read_for_what_rules_need(
    known, location, *, key, method, entry, expected
):
    known.lists[key] = [entry | {"unknown": {"to": ["us"]}}]

    listing = await getattr(location, method)()

    assert (listing.items, listing.skipped) == ((expected,), 0)


async def test_a_deleted_user_is_marked(known, location):
    known.lists["users"] = [
        {"id": "u1", "name": "Front desk"},
        {"id": "u2", "name": "Night desk", "deleted": True},
    ]

    listing = await location.users(COMPANY_ID)

    assert listing.items == (
        User("u1", "Front desk", deleted=False),
        User("u2", "Night desk", deleted=True),
    )


async def test_the_fields_of_opportunities_are_asked_for_too(known, location):
    known.lists["customFields"] = [
        {"id": "f1", "name": "Budget", "fieldKey": "opportunity.budget", "model": "opportunity"}
    ]

    assert [each.key for each in (await location.custom_fields()).items] == ["opportunity.budget"]


async def test_the_numbers_of_a_pool_are_asked_for_too(known, location):
    known.lists["numbers"] = [{"phoneNumber": "+15005550006", "numberPool": "pool-1"}]

    assert len((await location.phone_numbers()).items) == 1


@pytest.mark.parametrize(
    ("key", "method", "count", "calls"),
    [("forms", "forms", 120, 3), ("templates", "templates", 201, 3), ("users", "users", 100, 1)],
)
async def test_a_paged_list_is_read_to_its_end(ghl, known, location, *, key, method, count, calls):
    known.lists[key] = many(count)
    given = [COMPANY_ID] if method == "users" else []

    listing = await getattr(location, method)(*given)

    assert [each.id for each in listing.items] == [f"id-{each}" for each in range(count)]
    assert len(ghl.calls) == calls


async def test_phone_numbers_are_paged_by_number(ghl, known, location):
    known.lists["numbers"] = [{"phoneNumber": f"+1500{each:07d}"} for each in range(1001)]

    assert len((await location.phone_numbers()).items) == 1001
    assert [each.query["page"] for each in ghl.calls] == ["0", "1"]


async def test_without_a_total_a_list_ends_where_a_page_brings_nothing_new(ghl, location):
    pages = [b'{"forms":[{"id":"a"},{"id":"b"}]}', b'{"forms":[{"id":"c"}]}', b'{"forms":[]}']
    ghl.answer_next(*(Answer(body=[page]) for page in pages))

    listing = await location.forms()

    assert [each.id for each in listing.items] == ["a", "b", "c"]
    assert [each.query["skip"] for each in ghl.calls] == ["0", "2", "3"]


async def test_a_list_that_ignores_paging_ends(ghl, location):
    ghl.answer_next(*[Answer(body=[b'{"forms":[{"id":"a"}],"total":9}'])] * 3)

    assert [each.id for each in (await location.forms()).items] == ["a"]
    assert len(ghl.calls) == 2


async def test_a_list_that_never_ends_is_unreadable(ghl, location):
    pages = [f'{{"forms":[{{"id":"f{each}"}}]}}'.encode() for each in range(60)]
    ghl.answer_next(*(Answer(body=[page]) for page in pages))

    with pytest.raises(GhlAnswerUnreadable):
        await location.forms()

    assert len(ghl.calls) == 50


async def test_a_list_inside_an_envelope_is_read(ghl, location):
    inner = b'{"status":"success","data":{"numbers":[{"phoneNumber":"+15005550006"}],"total":1}}'
    ghl.answer_next(Answer(body=[inner]))

    assert [each.id for each in (await location.phone_numbers()).items] == ["+15005550006"]
