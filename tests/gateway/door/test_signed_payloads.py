"""What is read out of the bytes that HighLevel signed, and what is refused."""

import json
from datetime import UTC, datetime

import pytest

from gateway.delivery import Delivery
from gateway.payloads import read_leniently, read_signed
from libs.problems import InvalidRequest

AT = "2026-03-01T12:00:00.000Z"
ACTION = {
    "data": {"status": "failed", "executionTimeMs": "1200", "locationId": "typed"},
    "extras": {"locationId": "loc", "workflowId": "wf", "contactId": "c-1"},
    "meta": {"key": "report", "version": "1.0"},
    "webhookId": "w-1",
    "timestamp": AT,
}
EVENT = {
    "location": {"id": "loc"},
    "workflow": {"id": "wf", "name": "Lead flow"},
    "customData": {"status": "failed", "workflowId": "typed"},
    "executedAt": AT,
}


def written(body=ACTION, **more):
    return json.dumps({k: v for k, v in (body | more).items() if v is not None}).encode()


def read(body, in_path="-"):
    return read_signed(body, in_path)


def refused(body, in_path="-"):
    with pytest.raises(InvalidRequest) as raised:
        read(body, in_path)
    return raised.value.reason


@pytest.mark.parametrize("body", [ACTION, EVENT])
@pytest.mark.parametrize("in_path", ["-", "wf", "{{workflow.id}}"])
def test_what_it_is_about_stands_where_highlevel_writes_it(body, in_path):
    found = read(written(body), in_path)

    assert (found.location_id, found.reading.workflow_id) == ("loc", "wf")
    assert found.signed_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.reading.content.executed_at.ToDatetime(UTC) == found.signed_at


def test_the_form_of_an_action_and_its_contact_are_read():
    execution = read(written()).reading.content

    assert (execution.execution_time_ms, execution.contact_id) == (1200, "c-1")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "BODY_EMPTY"),
        (b"{", "BODY_NOT_JSON"),
        (b"\xef\xbb\xbf{}", "BODY_NOT_JSON"),
        (b'{"a": NaN}', "BODY_NOT_JSON"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "BODY_NOT_JSON"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "NAME_TWICE"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "BODY_TOO_DEEP"),
        (b"[" * 100_000, "BODY_TOO_DEEP"),
        (written({str(number): 0 for number in range(10_001)}), "BODY_TOO_WIDE"),
        (b"[]", "BODY_NOT_ONE_OBJECT"),
        (b"[" + written() + b"]", "BODY_NOT_ONE_OBJECT"),
        (b'{"executions": [' + written() + b"]}", "BODY_LOCATION_MISSING"),
        (written(extras=None), "BODY_LOCATION_MISSING"),
        (written(locationId="other"), "BODY_LOCATIONS_DIFFER"),
        (written(extras={"locationId": "loc"}), "WORKFLOW_MISSING"),
        (written(extras={"locationId": "loc", "workflowId": "x" * 65}), "WORKFLOW_ID_WRONG"),
        (written(workflow={"id": "other"}), "WORKFLOW_DIFFERS"),
        (written(data={}), "STATUS_MISSING"),
        (written(data={"status": "delivered"}), "STATUS_UNKNOWN"),
        (written(timestamp=None), "SIGNED_TIME_MISSING"),
        (written(timestamp="yesterday"), "SIGNED_TIME_MISSING"),
    ],
)
def test_it_is_read_exactly_or_not_at_all(body, reason):
    assert refused(body) == reason


def test_the_path_only_confirms_what_is_signed():
    assert refused(written(), "wf-2") == "WORKFLOW_DIFFERS"


def test_its_key_is_its_id_or_its_bytes():
    with_id = read(written(data={"status": "failed", "runId": "r-1"}))
    long = read(written(webhookId="x" * 300))
    first, other = read(written(webhookId=None)), read(written(webhookId=None, type="x"))

    assert with_id.key == with_id.reading.content.idempotency_key == "{{highlevel}}id:w-1"
    assert with_id.reading.content.run_id == "r-1"
    assert len({with_id.key, long.key, first.key, other.key}) == 4
    assert read(written(webhookId=None)).key == first.key
    assert all(len(each.key) <= 200 for each in (with_id, long, first, other))


def test_no_other_caller_can_have_such_a_key():
    body = {"status": "failed", "runId": read(written()).key, "webhookId": read(written()).key}

    (reading,) = read_leniently(json.dumps(body).encode(), "wf", read(written()).key).items

    assert reading.content.idempotency_key == ""


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("192.0.2.7", b"198.51.100.1", "192.0.2.7"),
        ("127.0.0.1", b"", "127.0.0.1"),
        ("127.0.0.1", b"10.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("::1", b"2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:127.0.0.1", b"::ffff:198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", b"nonsense", "127.0.0.1"),
        ("", b"", ""),
    ],
)
def test_only_a_proxy_on_this_machine_says_for_whom_it_speaks(peer, forwarded, sender):
    scope = {"headers": [(b"x-forwarded-for", forwarded)], "client": (peer, 1), "path": "/"}

    assert Delivery(scope | {"query_string": b""}, None, "-").sender() == sender
