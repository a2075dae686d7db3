"""Connected to a stand-in GoHighLevel: what scans find, and what alerts say."""

from datetime import UTC, datetime, timedelta

import aiohttp

from tests.support.ghl_agency import a_workflow
from tests.support.waiting import eventually

RIVERSIDE = "RiversideDental00001"
NORTHGATE = "NorthgateFitness0001"


async def answered(response, status=200):
    body = await response.json()
    assert response.status == status, body
    return body


async def connected(http, location, token):
    path = f"/api/locations/{location}/connection"
    return await answered(await http.put(path, json={"privateToken": token}))


async def scanned(http: aiohttp.ClientSession, location, **body) -> dict:
    here = {"location_id": location}
    response = await http.post("/api/schedules/run-now", params=here, json=body)
    started = await answered(response, 202)

    async def done():
        path = f"/api/scans/{started['scan_id']}"
        scan = await answered(await http.get(path, params=here))
        return scan if scan["status"] == "completed" else None

    return await eventually(done, within=30)


async def items(http, path, location, **params):
    response = await http.get(path, params={"location_id": location, **params})
    return (await answered(response))["items"]


async def test_findings_from_definitions_appear_over_rest(http, ghl):
    tokens = {each: ghl.agency.private_token(each) for each in (RIVERSIDE, NORTHGATE)}
    made = await connected(http, RIVERSIDE, tokens[RIVERSIDE])
    assert (made["status"], made["workflow_count"]) == ("connected", 4)

    scan = await scanned(http, RIVERSIDE)

    assert (scan["partial"], scan["workflows_scanned"]) == (False, 3)
    found = await items(http, "/api/findings", RIVERSIDE)
    assert {(each["rule_id"], each["workflow_id"]) for each in found} >= {
        ("GHL222", "riverside-reminder"),
        ("GHL213", "riverside-review"),
    }
    assert {each["workflow_id"] for each in found} <= {
        "riverside-reminder",
        "riverside-review",
    }
    listed = await items(http, "/api/workflows", RIVERSIDE)
    assert len(listed) == 4
    known = await items(http, "/api/workflows/snapshots", RIVERSIDE)
    assert {each["status"] for each in known} == {"published", "draft"}
    assert tokens[RIVERSIDE] not in str(found) + str(known)

    # One without the workflow API is scanned too, and an upload takes its place.
    await connected(http, NORTHGATE, tokens[NORTHGATE])
    await scanned(http, NORTHGATE)
    connection = await answered(await http.get(f"/api/locations/{NORTHGATE}/connection"))
    assert connection["unreadable"][0]["code"] == "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION"
    assert await items(http, "/api/findings", NORTHGATE, rule_id="GHL216") == []
    export = {"name": "Trial week", "status": "published", "triggers": [], "steps": []}
    path = "/api/workflows/northgate-trial/definition"
    here = {"location_id": NORTHGATE}
    await answered(await http.put(path, params=here, json=export))
    await scanned(http, NORTHGATE)
    [empty] = await items(http, "/api/findings", NORTHGATE, rule_id="GHL216")
    assert empty["workflow_id"] == "northgate-trial"


async def test_an_alert_says_what_was_changed_before_the_first_failure(http, here, owner, ghl):
    place = here["location_id"]
    location = ghl.agency.add_location(place)
    location.workflows[:] = [a_workflow("wf-1", "Trial week", version=23)]
    now = datetime.now(UTC)
    await connected(http, place, ghl.agency.private_token(place))
    await scanned(http, place)
    edited = (now - timedelta(minutes=40)).isoformat()
    location.workflows[:] = [
        a_workflow("wf-1", "Trial week", version=24, updatedAt=edited),
    ]
    await scanned(http, place)
    [change] = await items(http, "/api/workflows/wf-1/changes", place)
    assert (change["previous_version"], change["version"]) == (23, 24)

    for minutes in (26, 20, 10):
        failed = {
            "status": "failed",
            "errorMessage": "no",
            "executedAt": (now - timedelta(minutes=minutes)).isoformat(),
        }
        path = "/api/workflows/wf-1/executions"
        await answered(await http.post(path, params=here, json=failed))

    settings = {"alertEmail": owner.address}
    await answered(await http.post("/api/alerts/settings", params=here, json=settings))
    failed = {"status": "failed", "errorMessage": "no"}
    await answered(await http.post(path, params=here, json=failed))
    [mail, *_] = await eventually(owner.mails, within=30)
    text = mail.message.get_body(("plain",)).get_content()
    assert "first failure 14 min after v23 became v24" in text
