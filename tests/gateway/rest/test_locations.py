import pytest

from libs.ids import new_id
from tests.gateway.rest.well import make_well


@pytest.fixture(autouse=True)
def well(street):
    make_well(street)
    return street


async def test_a_location_gets_a_name_and_a_time_zone(agency):
    location_id = f"loc-{new_id()}"

    made = await agency.put(f"/api/locations/{location_id}", {"name": "Acme"})
    changed = await agency.put(f"/api/locations/{location_id}", {"timeZone": "America/New_York"})

    assert (made.status, made.body["name"]) == (200, "Acme")
    assert (changed.body["name"], changed.body["time_zone"]) == ("Acme", "America/New_York")
    listed = (await agency.get("/api/locations", limit="500")).body["items"]
    assert changed.body in listed


async def test_alerts_are_told_its_name_and_its_time_zone(well, agency):
    await agency.put("/api/locations/loc-told", {"name": "Acme", "timeZone": "Europe/Berlin"})
    both = well.notifier.last("UpdateAlertSettings")
    await agency.put("/api/locations/loc-told", {"name": ""})
    cleared = well.notifier.last("UpdateAlertSettings")

    assert both.settings.location_id == cleared.settings.location_id == "loc-told"
    assert list(both.update_mask.paths) == ["location_name", "timezone"]
    assert (both.settings.location_name, both.settings.timezone) == ("Acme", "Europe/Berlin")
    assert list(cleared.update_mask.paths) == ["location_name"]
    assert not cleared.settings.HasField("location_name")


async def test_a_locations_own_key_sees_only_its_location(gateway, agency, client, location_id):
    await agency.put("/api/locations/loc-other", {"name": "Other"})

    answer = await client.get("/api/locations")
    foreign = await client.put("/api/locations/loc-other", {"name": "Mine"})

    assert [each["location_id"] for each in answer.body["items"]] == [location_id]
    assert (foreign.status, foreign.body["reason"]) == (403, "LOCATION_NOT_YOURS")


async def test_locations_come_in_pages(agency):
    for n in range(3):
        await agency.put(f"/api/locations/loc-page-{n}", {"name": "Page"})

    seen, token = [], ""
    while token is not None:
        page = (await agency.get("/api/locations", limit="40", page_token=token)).body
        assert len(page["items"]) <= 40
        seen += [each["location_id"] for each in page["items"]]
        token = page["next_page_token"]

    assert len(seen) == len(set(seen))
    assert {"loc-page-0", "loc-page-1", "loc-page-2"} <= set(seen)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"timeZone": "Mars/Base"}, "TIME_ZONE_UNKNOWN"),
        ({}, "NOTHING_TO_CHANGE"),
        ({"name": "x" * 201}, None),
    ],
)
async def test_a_location_that_makes_no_sense(agency, body, reason):
    answer = await agency.put("/api/locations/loc-wrong", body)

    assert answer.status == 400
    assert answer.body["reason"] == (reason or answer.body["reason"])
