"""The OpenAPI document is whole and true: what it says is tried on a whole gateway."""

import json
import re

import aiohttp
import pytest

from gateway.rest import webhook_door
from gateway.rest.app import ROUTERS
from gateway.rest.problems import MEDIA_TYPE
from gateway.settings import GatewaySettings
from gateway.wiring import running
from tests.gateway.rest.serving import Client
from tests.gateway.rest.well import make_well

PLACES = {
    "finding_id": "f-1",
    "workflow_id": "wf-welcome",
    "scan_id": "scan-1",
    "incident_id": "i-1",
    "event_id": "e-1",
    "silence_id": "s-1",
    "target_id": "t-1",
    "delivery_id": "d-1",
    "location_id": "loc-demo",
    "key_id": "nobody",
    "quarantine_id": "q-1",
    "execution_id": "e-1",
}
OPEN = {"/health", "/health/ready", "/metrics"}
"""Answered without a key, the last one only on this machine."""
FIXED = {
    ("GET", "/api/workflows"),
    ("POST", "/api/workflows/{workflow_id}/executions"),
    ("GET", "/api/workflows/{workflow_id}/executions"),
    ("GET", "/api/workflows/{workflow_id}/failures"),
    ("GET", "/api/workflows/{workflow_id}/metrics"),
    ("GET", "/api/schedules"),
    ("POST", "/api/schedules"),
    ("DELETE", "/api/schedules"),
    ("POST", "/api/schedules/run-now"),
    ("GET", "/api/schedules/history"),
    ("GET", "/api/alerts/settings"),
    ("POST", "/api/alerts/settings"),
    ("POST", "/api/alerts/test"),
    ("GET", "/internal/scheduler-status"),
    ("GET", "/health"),
    ("GET", "/health/ready"),
    ("GET", "/health/detailed"),
    ("GET", "/metrics"),
    ("GET", "/api/dev/mailbox"),
}


@pytest.fixture(scope="session")
async def whole(session_street, databases, tmp_path_factory):
    """Everything the wiring puts together: the door, the REST API, the pages."""
    url = databases.new("gateway")
    settings = GatewaySettings(
        port=0,
        database_url=url,
        admin_key_file=tmp_path_factory.mktemp("whole") / "admin.key",
        **{f"{name}_address": at for name, at in session_street.addresses.items()},
    )
    async with (
        running(settings) as address,
        aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        key = settings.admin_key_file.read_text().strip()
        yield Client(session, {"Authorization": f"Bearer {key}"}), Client(session, {})
    databases.drop(url)


@pytest.fixture
def admin(whole, street):
    make_well(street)
    return whole[0]


@pytest.fixture
def stranger(whole, street):
    make_well(street)
    return whole[1]


@pytest.fixture
async def document(admin):
    return (await admin.get("/openapi.json")).body


def operations(document):
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def at_a_place(path):
    return re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]], path)


def query_of(operation):
    names = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    return {"location_id": "loc-demo"} if "location_id" in names else {}


def request_examples(document):
    for method, path, operation in operations(document):
        contents = operation.get("requestBody", {}).get("content", {})
        for media_type in contents.keys() - {"application/json"}:
            for example in contents[media_type]["examples"].values():
                yield method, path, operation, (media_type, example["value"])
        content = contents.get("application/json", {})
        for example in content.get("examples", {}).values():
            yield method, path, operation, example["value"]
        schema = content.get("schema", {})
        reference = schema.get("$ref") or schema.get("anyOf", [{}])[0].get("$ref", "")
        named = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
        for example in named.get("examples", []):
            yield method, path, operation, example


async def send(client, method, path, operation, body):
    place, query = at_a_place(path), query_of(operation)
    if isinstance(body, tuple):
        media_type, text = body
        headers = {"Content-Type": media_type}
        return await client.call(method, place, params=query, data=text, headers=headers)
    return await client.call(method, place, body, params=query)


async def test_it_has_every_fixed_call_and_every_route(document):
    told = {(method, path) for method, path, _ in operations(document)}
    routes = {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        for method in route.methods
        if route.include_in_schema
    }

    assert document["openapi"] == "3.1.0"
    assert told >= FIXED
    assert told == routes | {("POST", webhook_door.PATH)}


async def test_it_is_whole(document):
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', json.dumps(document)))
    ids = [operation["operationId"] for _, _, operation in operations(document)]

    assert references
    for kind, name in references:
        assert name in document["components"][kind]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(document):
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)


async def test_every_call_but_two_tells_how_it_fails_and_that_it_needs_a_key(document):
    for method, path, operation in operations(document):
        assert bool(operation["security"]) == (path not in {"/health", "/health/ready"})
        assert ("422" in operation["responses"]) == path.endswith("run-now")
        if operation["security"]:
            reference = operation["responses"]["401"]["$ref"]
            assert reference == "#/components/responses/Problem401", (method, path)
    content = document["components"]["responses"]["Problem401"]["content"]
    assert content[MEDIA_TYPE]["example"]["reason"] == "KEY_MISSING"


async def test_without_a_key_every_call_answers_401(document, stranger):
    for method, path, operation in operations(document):
        if path in OPEN:
            continue
        answer = await stranger.call(method, at_a_place(path), params=query_of(operation))
        assert (answer.status, answer.body["reason"]) == (401, "KEY_MISSING"), (method, path)
        assert answer.headers["Content-Type"] == MEDIA_TYPE


async def test_every_get_answers_what_it_says(document, admin):
    for method, path, operation in operations(document):
        if method == "GET":
            answer = await admin.get(at_a_place(path), **query_of(operation))
            assert answer.status == 200, (path, answer.text)
            assert "200" in operation["responses"]


async def test_every_example_of_a_request_works(document, admin):
    tried = 0
    for method, path, operation, body in request_examples(document):
        answer = await send(admin, method, path, operation, body)
        assert 200 <= answer.status < 300, (method, path, answer.text)
        assert str(answer.status) in operation["responses"], (method, path, answer.status)
        tried += 1
    with_body = {path for _, path, operation in operations(document) if "requestBody" in operation}
    assert {path for _, path, _, _ in request_examples(document)} == with_body
    assert tried >= 14


async def test_a_location_key_reaches_no_other_location_with_any_call(document, admin, whole):
    made = await admin.post("/api/keys", {"name": "x", "scope": "admin", "locationId": "loc-own"})
    foreign = whole[1].with_headers(Authorization=f"Bearer {made.body['key']}")

    for method, path, operation in operations(document):
        if not query_of(operation) or "requestBody" in operation:
            continue
        answer = await foreign.call(method, at_a_place(path), params=query_of(operation))
        assert (answer.status, answer.body["reason"]) == (403, "LOCATION_NOT_YOURS"), (method, path)
    for method, path, operation, body in request_examples(document):
        if query_of(operation):
            answer = await send(foreign, method, path, operation, body)
            told = answer.body.get("reason") or answer.body["results"][0]["reason"]
            assert told == "LOCATION_NOT_YOURS", (method, path)


async def test_an_unknown_parameter_is_refused_by_every_call(document, admin):
    for method, path, _ in operations(document):
        if path in OPEN or (method, path) == ("POST", webhook_door.PATH):
            continue
        answer = await admin.call(method, at_a_place(path), params={"nonsense": "1"})
        assert (answer.status, answer.body["reason"]) == (400, "UNKNOWN_PARAMETER"), (method, path)
