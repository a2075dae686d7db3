"""Webhooks without a key that HighLevel signed: what is proved, what is read, what is kept."""

import asyncio
import base64
import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.signed import MOST_ARRIVING
from gateway.wiring import running
from libs.clock import FixedClock
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.ids import new_id
from tests.gateway.conftest import gateway_settings
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOOR = "/api/workflows/-/executions"
JSON = {"Content-Type": "application/json; charset=utf-8"}
A_MINUTE = 30
NEW, OLD, FOREIGN = (Ed25519PrivateKey.generate() for _ in range(3))


def public(key):
    """Gives a public key as HighLevel publishes its own: SPKI in base64."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(spki).decode()


def signed(body, key=NEW):
    return base64.b64encode(key.sign(body)).decode()


def counted(result):
    name = "runwarden_signed_webhooks_total"
    return REGISTRY.get_sample_value(name, {"result": result}) or 0


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict
    headers: dict

    @property
    def reason(self):
        return self.body.get("reason")


@pytest.fixture(scope="module")
async def client(gateway, one_ingestion, tmp_path_factory):
    """A second gateway on the same database, which takes what two keys sign."""
    configured = gateway_settings(
        gateway.settings.database_url.get_secret_value(),
        tmp_path_factory.mktemp("signed"),
        ingestion_address=one_ingestion.address,
        highlevel_keys=(public(OLD), public(NEW)),
        highlevel_requests_a_minute=A_MINUTE,
    )
    async with running(configured, clock=FixedClock(NOW)) as url:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(url, connector=connector) as client:
            yield client


@pytest.fixture
def post(client):
    """Posts bytes as some proxy on this machine does for an address of this test alone."""
    address = f"2001:db8:{new_id()[-4:]}:{new_id()[-4:]}::1"

    async def post(body, signature=None, *, path=DOOR, address=address, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = JSON | headers
        headers |= {"X-GHL-Signature": signature} if signature is not None else {}
        headers["X-Forwarded-For"] = f"198.51.100.7, {address}"
        async with client.post(path, data=body, headers=headers) as response:
            return Answer(response.status, await response.json(), response.headers)

    return post


@pytest.fixture
async def action(access, location_id):
    """Gives the body of a custom action in a location that is known here."""
    await access.put_location(location_id)

    def action(*, form=None, extras=None, **more):
        named = {"locationId": location_id, "workflowId": "wf-1", "contactId": "c-1"}
        body = {
            "data": {"status": "failed", "failedActionName": "Send SMS"} | (form or {}),
            "extras": {k: v for k, v in (named | (extras or {})).items() if v},
            "webhookId": "w-1",
            "timestamp": NOW.isoformat(),
        }
        return json.dumps({k: v for k, v in (body | more).items() if v is not None}).encode()

    return action


async def test_what_either_key_signed_becomes_an_execution_of_its_location(
    post, action, ingestion, location_id
):
    before = counted("taken")

    for key in (OLD, NEW):
        answer = await post(action(), signed(action(), key))
        assert (answer.status, answer.body["status"]) == (200, "accepted")

    execution = ingestion.executions[0]
    assert (execution.location_id, execution.workflow_id) == (location_id, "wf-1")
    assert execution.status == pb.EXECUTION_STATUS_FAILED
    assert execution.failed_action_name == "Send SMS"
    assert execution.contact_id == "c-1"
    assert execution.executed_at.ToDatetime(UTC) == NOW
    assert counted("taken") == before + 2


async def test_what_is_not_called_json_is_refused_for_good(post, action, ingestion):
    answer = await post(action(), signed(action()), Content_Type="text/plain")

    assert (answer.status, answer.reason) == (415, "CONTENT_TYPE_NOT_JSON")
    assert ingestion.executions == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: None,
        lambda _: "",
        lambda _: "N/A",
        lambda _: "not base64!",
        lambda _: "Ünïcode".encode().decode("latin-1"),
        lambda body: base64.b64encode(NEW.sign(body)[:63]).decode(),
        lambda body: base64.b64encode(NEW.sign(body) + b"x").decode(),
        lambda body: NEW.sign(body).hex(),
        lambda body: signed(body + b" "),
        lambda body: signed(body, FOREIGN),
    ],
)
async def test_whatever_is_wrong_with_a_signature_the_answer_is_the_same(
    post, action, ingestion, spoil
):
    before = counted("wrong")

    answer = await post(action(), spoil(action()), X_Request_Id="r-1")

    assert answer.status == 401
    assert answer.body == (await post(b"", X_Request_Id="r-1")).body
    assert answer.reason == "SIGNATURE_WRONG"
    assert answer.headers["WWW-Authenticate"]
    assert counted("wrong") == before + 2
    assert not ingestion.calls


async def test_a_key_that_came_is_what_counts(post, action, ingestion, ingest_key):
    body = b'{"status": "failed", "webhookId": "w-1"}'

    taken = await post(body, "N/A", X_Api_Key=ingest_key)
    refused = await post(action(), signed(action()), Authorization="Bearer nonsense")

    assert (taken.status, ingestion.executions[0].idempotency_key) == (200, "w-1")
    assert (refused.status, refused.reason) == (401, "KEY_MALFORMED")
    assert len(ingestion.calls) == 1


async def test_without_configured_keys_the_header_is_nothing(http, action, ingestion):
    headers = {"X-GHL-Signature": signed(action())}

    async with http.post(DOOR, data=action(), headers=headers) as response:
        assert (response.status, (await response.json())["reason"]) == (401, "KEY_MISSING")

    assert not ingestion.calls


async def test_an_address_is_limited_before_anything_is_computed(post, action, ingestion):
    before = counted("limited")
    wrong = [await post(b"{}", signed(b"")) for _ in range(A_MINUTE)]

    limited = await post(action(), signed(action()))
    elsewhere = await post(action(), signed(action()), address="203.0.113.9")

    assert {each.status for each in wrong} == {401}
    assert (limited.status, limited.reason) == (429, "RATE_LIMITED")
    assert int(limited.headers["Retry-After"]) >= 1
    assert counted("limited") == before + 1
    assert elsewhere.status == 200
    assert len(ingestion.calls) == 1


async def test_few_bodies_of_nobody_knows_whom_are_read_at_once(client, post, action):
    may_end = asyncio.Event()

    async def slow():
        yield b"{"
        await may_end.wait()

    async def send(number):
        headers = {"X-GHL-Signature": signed(b"{"), "X-Forwarded-For": f"192.0.2.{number}"}
        async with client.post(DOOR, data=slow(), headers=headers | JSON) as response:
            return response.status

    async def crowded():
        answer = await post(action(), signed(action()), address=f"192.0.3.{next(senders) % 256}")
        return answer.reason == "CROWDED" and answer.status == 429

    sending = [asyncio.create_task(send(number)) for number in range(MOST_ARRIVING)]
    await eventually(crowded)
    may_end.set()

    assert await asyncio.gather(*sending) == [400] * MOST_ARRIVING
    assert (await post(action(), signed(action()))).status == 200


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"extras": {"locationId": "a b"}}, "LOCATION_ID_WRONG"),
        ({"form": {"status": "delivered"}}, "STATUS_UNKNOWN"),
        ({"timestamp": None}, "SIGNED_TIME_MISSING"),
    ],
)
async def test_what_is_no_execution_is_refused_for_good_and_leaves_nothing(
    post, action, ingestion, given, reason
):
    before = counted("unread")

    answer = await post(action(**given), signed(action(**given)))

    assert (answer.status, answer.reason) == (400, reason)
    assert counted("unread") == before + 1
    assert not ingestion.calls


@pytest.mark.parametrize("field", ["timestamp", "executedAt"])
async def test_it_is_taken_for_as_long_as_highlevel_repeats_it(post, action, ingestion, field):
    async def after(age):
        body = action(**({"timestamp": None} | {field: (NOW - age).isoformat()}))
        answer = await post(body, signed(body))
        return answer.reason or answer.status

    hours, early, second = timedelta(hours=2), timedelta(minutes=-5), timedelta(seconds=1)

    assert [await after(hours), await after(early)] == [200, 200]
    assert await after(hours + second) == "SIGNED_TIME_WRONG"
    assert await after(early - second) == "SIGNED_TIME_WRONG"
    assert len(ingestion.calls) == 2


async def test_a_location_that_is_not_known_is_neither_kept_nor_made_known(
    post, action, access, ingestion
):
    stranger, before = f"loc-{new_id()}", counted("location_unknown")
    body = action(extras={"locationId": stranger})

    answer = await post(body, signed(body))

    assert (answer.status, answer.body["status"]) == (202, "ignored")
    assert answer.reason == "LOCATION_UNKNOWN"
    assert counted("location_unknown") == before + 1
    assert not await access.knows(stranger)
    assert not ingestion.calls


async def test_nothing_outside_of_the_signed_bytes_counts(post, action, ingestion, location_id):
    sent = {"Idempotency_Key": "mine", "Prefer": "handling=strict"}
    taken = await post(action(), signed(action()), path=f"{DOOR}?location_id=other", **sent)
    other = await post(action(), signed(action()), path=DOOR.replace("-", "wf-2"))
    same = await post(action(), signed(action()), path=DOOR.replace("-", "wf-1"))

    assert (taken.status, same.status) == (200, 200)
    assert (other.status, other.reason) == (400, "WORKFLOW_DIFFERS")
    assert {each.location_id for each in ingestion.executions} == {location_id}
    assert {each.idempotency_key for each in ingestion.executions} == {"{{highlevel}}id:w-1"}


async def test_the_same_id_with_another_body_is_told_to_the_operator(post, action, ingestion):
    async def repeat(body, outcome):
        ingestion.answer = lambda _: pb.RecordResult(outcome=outcome, execution_id="first")
        return (await post(body, signed(body))).body

    before = counted("conflict")
    await repeat(action(), pb.RecordResult.OUTCOME_ACCEPTED)
    with capture_logs() as logs:
        same = await repeat(action(), pb.RecordResult.OUTCOME_DUPLICATE)
        other = await repeat(action(form={"status": "success"}), pb.RecordResult.OUTCOME_DUPLICATE)

    assert same == other == {"status": "duplicate", "execution_id": "first"}
    (warning,) = [each for each in logs if each["log_level"] == "warning"]
    assert (warning["event"], warning["execution_id"]) == ("door.signed_conflict", "first")
    assert counted("conflict") == before + 1


async def test_what_ingestion_refuses_is_final_and_not_kept(post, action, ingestion):
    ingestion.answer = lambda _: pb.RecordResult(
        outcome=pb.RecordResult.OUTCOME_REJECTED,
        reason="RUN_ID_MISSING",
        field="run_id",
        message="Give the run an id of your own.",
    )

    answer = await post(action(), signed(action()))

    assert (answer.status, answer.reason) == (400, "RUN_ID_MISSING")
    assert len(ingestion.items) == 1


async def test_when_nothing_can_be_recorded_highlevel_is_told_to_come_again(
    post, action, ingestion
):
    ingestion.may_answer.clear()
    waiting = [asyncio.create_task(post(action(), signed(action()))) for _ in range(2)]
    await eventually(lambda: len(ingestion.items) >= 1)
    ingestion.problem_of = lambda _: ZeroDivisionError()
    ingestion.may_answer.set()

    for answer in await asyncio.gather(*waiting):
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1


nearly = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["failed", "started", "{{x}}", "2026-03-01T12:00:00Z", "\ud800", "wf-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "data",
                    "extras",
                    "locationId",
                    "workflowId",
                    "location",
                    "workflow",
                    "id",
                    "timestamp",
                    "webhookId",
                    "executedAt",
                    "runId",
                    "contactId",
                    "customData",
                ]
            ),
            inner,
        )
    ),
    max_leaves=20,
)
senders = itertools.count()
bodies = st.binary(max_size=200) | nearly.map(lambda value: json.dumps(value).encode())
signatures = st.sampled_from([signed, lambda body: signed(body, FOREIGN), lambda _: "N/A"]) | (
    st.binary(max_size=70).map(lambda raw: lambda _: base64.b64encode(raw).decode())
)


@given(bodies, signatures)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_is_taken_or_refused_for_good(post, ingestion, body, sign):
    number = next(senders)

    answer = await post(body, sign(body), address=f"192.0.{number // 256}.{number % 256}")

    assert answer.status in ({200, 202, 400} if sign == signed else {401})
