"""Answers that no well-meaning server gives: a problem or a skipped entry, never a crash."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.ghl import lists, reading
from services.scheduler.ghl.client import GhlClient
from services.scheduler.ghl.paging import read_whole
from services.scheduler.ghl.problems import GhlAnswerUnreadable, GhlUnavailable, TokenMalformed
from services.scheduler.ghl.tokens import PrivateToken
from tests.support.receivers import Answer

ALL_LISTS = [
    lists.WORKFLOWS,
    lists.TAGS,
    lists.CUSTOM_FIELDS,
    lists.CUSTOM_VALUES,
    lists.TEMPLATES,
    lists.PIPELINES,
    lists.CALENDARS,
    lists.FORMS,
    lists.PHONE_NUMBERS,
    lists.users_of("Agency0000000000001"),
]
MIB = 1024**2
NAMES = [
    "id",
    "_id",
    "name",
    "version",
    "createdAt",
    "updatedAt",
    "locationId",
    "deleted",
    "type",
    "fieldKey",
    "value",
    "stages",
    "capabilities",
    "phoneNumber",
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=10,
)


def workflow_list(*entries: object) -> Answer:
    return Answer(body=[json.dumps({"workflows": list(entries)}).encode()])


def padded_to(size: int) -> Answer:
    start, end = b'{"workflows":[],"pad":"', b'"}'
    padding = b"x" * (size - len(start) - len(end))
    return Answer(body=[start, padding, end])


async def test_eight_mebibytes_are_read(ghl, location):
    ghl.answer_next(padded_to(8 * MIB))

    assert (await location.workflows()).items == ()


async def test_one_byte_more_is_unreadable(ghl, location):
    ghl.answer_next(padded_to(8 * MIB + 1))

    with pytest.raises(GhlAnswerUnreadable, match="8 MiB"):
        await location.workflows()

    assert len(ghl.calls) == 1


async def test_an_endless_answer_is_left(ghl, location):
    ghl.answer_next(Answer(body=(b" " * MIB for _ in range(1_000_000))))

    with pytest.raises(GhlAnswerUnreadable):
        await location.workflows()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"<html><body>502</body></html>",
        b'{"workflows":[{"id":"w-1","version":NaN}]}',
        b'{"workflows":[{"id":"w-1","version":Infinity}]}',
        b'{"workflows":[{"id":"w-1"}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"workflows":' + b"[" * 65 + b"]" * 65 + b"}",
        b"[]",
        b"null",
        b'"workflows"',
        b"{}",
        b'{"workflows":null}',
        b'{"workflows":{"id":"w-1"}}',
        b'{"data":[1]}',
        b'{"data":{"workflows":"none"}}',
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_an_answer_without_the_list_is_unreadable_and_never_an_empty_list(
    ghl, location, body
):
    ghl.answer_next(Answer(body=[body]))

    with pytest.raises(GhlAnswerUnreadable) as problem:
        await location.workflows()

    assert isinstance(problem.value, GhlUnavailable)


@pytest.mark.parametrize("name", [rb"Hi \ud83d", b"Hi \xff"], ids=["cut emoji", "no UTF-8"])
async def test_a_broken_character_in_a_name_does_not_hide_the_list(ghl, location, name):
    ghl.answer_next(Answer(body=[b'{"workflows":[{"id":"w-1","name":"', name, b'"}]}']))

    workflow = (await location.workflows()).items[0]

    assert workflow.name.encode().startswith(b"Hi ")


@pytest.mark.parametrize("body", [b"[]", b"3", b"{" * 70, b'{"a":' * 65 + b"1" + b"}" * 65])
async def test_a_definition_that_is_no_object_is_unreadable(ghl, location, body):
    ghl.answer_next(Answer(body=[body]))

    with pytest.raises(GhlAnswerUnreadable):
        await location.definition("w-1")


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "w-1",
        [],
        {},
        {"id": None},
        {"id": 7},
        {"id": ""},
        {"id": "a b"},
        {"id": "a\0b"},
        {"id": "x" * 201},
        {"id": ["w-1"]},
        {"id": {"id": "w-1"}},
    ],
)
async def test_an_entry_without_an_id_is_skipped_and_counted(ghl, location, entry):
    ghl.answer_next(workflow_list(entry, {"id": "w-2"}))

    listing = await location.workflows()

    assert ([each.id for each in listing.items], listing.skipped) == (["w-2"], 1)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (0, 0),
        (7.5, None),
        (-1, None),
        (True, None),
        (10**30, None),
        (1e300, None),
        ("9" * 5000, None),
        ("seven", None),
        (None, None),
        ([7], None),
    ],
)
async def test_a_version_is_a_whole_number_or_unknown(ghl, location, given, read):
    ghl.answer_next(workflow_list({"id": "w-1", "version": given}))

    assert (await location.workflows()).items[0].version == read


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-05-26T11:33:49.000Z", datetime(2026, 5, 26, 11, 33, 49, tzinfo=UTC)),
        ("2026-05-26T11:33:49+02:00", datetime(2026, 5, 26, 9, 33, 49, tzinfo=UTC)),
        ("2026-05-26T11:33:49", datetime(2026, 5, 26, 11, 33, 49, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-13-40", None),
        ("yesterday", None),
        (1779795229, None),
        (None, None),
    ],
)
async def test_a_time_is_aware_and_in_utc_or_unknown(ghl, location, given, read):
    ghl.answer_next(workflow_list({"id": "w-1", "createdAt": given}))

    assert (await location.workflows()).items[0].created_at == read


async def test_a_text_is_cut_and_can_be_stored(ghl, location):
    ghl.answer_next(workflow_list({"id": "w-1", "name": "a\0" + "b" * 10_000, "status": 5}))

    workflow = (await location.workflows()).items[0]

    assert workflow.name == "a" + "b" * 499
    assert workflow.status == ""


async def test_a_pipeline_with_a_stage_that_cannot_be_read_is_skipped(ghl, location):
    body = b'{"pipelines":[{"id":"p","stages":[{"name":"New"}]},{"id":"q"}]}'
    ghl.answer_next(Answer(body=[body]))

    listing = await location.pipelines()

    assert (listing.items, listing.skipped) == ((), 2)


@given(list_of=st.sampled_from(ALL_LISTS), entries=st.lists(ANY_JSON, max_size=5), total=ANY_JSON)
async def test_whatever_a_list_holds_each_entry_is_read_once_or_skipped(list_of, entries, total):
    async def page(_query):
        return {list_of.key: entries, list_of.total: total}

    listing = await read_whole(list_of, "L1", page)

    ids = [each.id for each in listing.items]
    assert len(ids) == len(set(ids))
    assert all(ids)
    assert len(ids) + listing.skipped <= 2 * len(entries)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_unreadable(body):
    with suppress(GhlAnswerUnreadable):
        reading.decoded(body)


@given(ANY_JSON)
def test_any_shallow_json_is_read_as_it_is(value):
    assert reading.decoded(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0\0\0\0",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=lambda said: repr(said[:40]),
)
async def test_a_server_that_does_not_speak_http_is_unavailable(clock, timer, said):
    token = "pit-00000000-0000-4000-8000-000000000000"
    async with (
        _saying(said) as url,
        GhlClient.open(url, clock, timer=timer, seconds=1) as client,
    ):
        with pytest.raises(GhlUnavailable) as problem:
            await client.location("L1", PrivateToken(token)).workflows()

    assert problem.value.__cause__ is None
    assert problem.value.__suppress_context__


@pytest.mark.parametrize("value", ["", " ", "pit 1", "pit-1\n", "pit-1\r\nX: y", "ü", "x" * 8193])
def test_a_token_that_no_header_can_carry_is_malformed(value):
    with pytest.raises(TokenMalformed):
        PrivateToken(value)


@asynccontextmanager
async def _saying(said: bytes):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
