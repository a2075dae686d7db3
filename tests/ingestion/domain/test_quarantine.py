"""How much of an unread delivery may be shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain.quarantine import LARGEST_BODY, LARGEST_SHOWN, redacted
from services.ingestion.domain.text import cut


def shown(body):
    return json.loads(redacted(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "done", "email": "ann@example.com"}, {"status": "done", "email": "…"}),
        ({"failed_action_name": "Send SMS"}, {"failed_action_name": "Send SMS"}),
        ({"executionTimeMs": 1200, "age": 44}, {"executionTimeMs": "1200", "age": "…"}),
        ({"errorMessage": "Ann is unreachable"}, {"errorMessage": "…"}),
        ({"contact": {"status": "x", "id": 1}}, {"contact": {"status": "…", "id": "…"}}),
        ({"customData": {"status": "x", "note": 1}}, {"customData": {"status": "x", "note": "…"}}),
        (
            {"workflow": {"id": "w", "name": "n", "status": "s"}},
            {"workflow": {"id": "w", "name": "n", "status": "…"}},
        ),
        ({"contact": {"workflow": {"name": "Ann"}}}, {"contact": {"workflow": {"name": "…"}}}),
        ([{"status": "x"}, "Ann"], [{"status": "x"}, "…"]),
        ({"tags": ["vip", {"status": "x"}]}, {"tags": ["…", {"status": "…"}]}),
        # A merge field in the wrong place.
        ({"status": "ann@example.com"}, {"status": "…"}),
        ({"status": "call +1 555 123 4567"}, {"status": "call …"}),
        ({"executedAt": "2026-11-23T10:00:00Z"}, {"executedAt": "2026-11-23T10:00:00Z"}),
        ({"ann@example.com": 1}, {"…": "…"}),
        ({"status": None, "workflowName": True}, {"status": None, "workflowName": True}),
        ("Ann", "…"),
        ({}, {}),
    ],
)
def test_only_our_own_fields_are_shown(body, expected):
    assert shown(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"status=success&email=ann%40example.com",
        b"{'status': 1}",
        b"\xff\xfe{",
        b"[" * 60_000,
        b'{"status":' * 9000,
        b'{"status": "x"}' + b" " * LARGEST_BODY,
    ],
)
def test_what_is_not_json_is_not_shown_at_all(body):
    assert redacted(body) == ""


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": ' + b"9" * 5000 + b"}",
        b'{"status": "\\ud800"}',
        b'{"status": "\\u0000"}',
        b'{"status": 1e999, "\\ud800": NaN}',
    ],
)
def test_odd_json_is_shown_as_text_that_can_be_stored(body):
    found = redacted(body)
    assert found.startswith('{"status":')
    found.encode()
    assert "\0" not in found


def test_no_more_than_4_kib_are_shown():
    body = json.dumps({f"é{place}": "x" for place in range(2000)}, ensure_ascii=False)
    found = redacted(body.encode())
    assert LARGEST_SHOWN - 1 <= len(found.encode()) <= LARGEST_SHOWN


secrets = st.text("abcdefghij", min_size=8, max_size=12).map("Zz{}".format)
json_values = st.recursive(
    secrets, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
)


@given(st.dictionaries(st.sampled_from(["name", "email", "contact", "x"]), json_values))
def test_no_value_of_a_contact_gets_through(body):
    assert "Zz" not in redacted(json.dumps(body).encode())


@given(st.text(), st.integers(0, 100))
def test_a_cut_text_is_whole_characters_from_its_beginning(text, limit):
    found = cut(text, limit)
    assert text.startswith(found)
    assert len(found.encode()) <= limit
    longer = text[: len(found) + 1]
    assert longer == found or len(longer.encode()) > limit
