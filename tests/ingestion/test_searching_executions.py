"""History by step, by error, and by words in the message."""

from datetime import UTC, timedelta

import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from tests.ingestion.builders import a_failure, ago, an_execution, listed, record, refused


@pytest.fixture
async def failures(ingestion, location):
    await record(
        ingestion,
        an_execution(location, run_id="0"),
        a_failure(
            location, run_id="1", failed_action_id="s1", failed_action_name="SMS",
            error_message="21211: Invalid 'To' Phone Number",
        ),
        a_failure(
            location, run_id="2", failed_action_id="s2", failed_action_name="SMS",
            error_message="100% of the quota_a is used",
        ),
        a_failure(
            location, run_id="3", failed_action_id="s2", failed_action_name="Mail",
            error_message="100 of the QUOTAXA are used", executed_at=ago(days=6, hours=23),
        ),
        a_failure(
            location, run_id="4", error_message="Quota used up", executed_at=ago(days=8)
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"failed_action_id": "s2"}, "23"),
        ({"failed_action_name": "SMS"}, "12"),
        ({"failed_action_id": "s2", "failed_action_name": "SMS"}, "2"),
        ({"error_class": "CONTACT_DATA"}, "1"),
        ({"error_text": "quota"}, "23"),
        ({"error_text": "QUOTA"}, "23"),
        ({"error_text": "quota_a"}, "2"),
        ({"error_text": "100%"}, "2"),
        ({"error_text": "\\"}, ""),
        ({"error_text": "used", "failed_action_name": "Mail"}, "3"),
        ({"error_text": "used", "workflow_id": "wf", "failed_action_id": "s9"}, ""),
    ],
)
async def test_filters_narrow_the_list(ingestion, location, failures, filters, expected):
    found = await listed(ingestion, location, **filters)
    assert sorted(each.run_id for each in found) == list(expected)


async def test_the_executions_of_one_error_group(ingestion, location):
    messages = ("Timeout after 30 s for ann@example.com", "Timeout after 5 s for bob@example.com")
    await record(
        ingestion,
        *[a_failure(location, error_message=each) for each in (*messages, "Timeout of the host")],
    )
    newest_first = await listed(ingestion, location)
    group = next(each for each in newest_first if each.error_message == messages[0])
    found = await listed(ingestion, location, error_fingerprint=group.error_fingerprint)
    assert {each.error_message for each in found} == set(messages)


async def test_a_text_is_looked_for_in_the_7_days_before_the_end(ingestion, location, failures):
    before = timestamp(ago(days=7))
    found = await listed(ingestion, location, error_text="quota", executed_before=before)
    assert [each.run_id for each in found] == ["4"]


async def test_a_longer_range_with_a_text_is_refused(ingestion, location):
    end = ago(days=1)
    week = {"executed_from": timestamp(end - timedelta(days=7)), "executed_before": timestamp(end)}
    assert await listed(ingestion, location, error_text="x", **week) == []
    longer = week | {"executed_from": timestamp(end - timedelta(days=7, microseconds=1))}
    assert await listed(ingestion, location, **longer) == []
    with refused(problems.InvalidRequest, "TEXT_RANGE_TOO_LONG"):
        await listed(ingestion, location, error_text="x", **longer)


async def test_all_pages_of_a_search_begin_at_the_same_time(stopped_clock):
    ingestion = stopped_clock.ingestion
    edge = stopped_clock.ago(days=7)
    moments = [edge, edge + timedelta(hours=1), edge - timedelta(microseconds=1)]
    await record(
        ingestion, *[a_failure("l", error_message="quota", executed_at=at) for at in moments]
    )
    request = pb.ListExecutionsRequest(location_id="l", error_text="quota", page_size=1)
    first = await ingestion.ListExecutions(request, timeout=5)
    stopped_clock.move(hours=5)
    request.page_token = first.next_page_token
    second = await ingestion.ListExecutions(request, timeout=5)

    assert first.executions[0].executed_at.ToDatetime(UTC) == moments[1]
    assert second.executions[0].executed_at.ToDatetime(UTC) == moments[0]
    assert second.next_page_token == ""


async def test_a_text_that_is_too_long_is_refused(ingestion, location):
    with refused(problems.InvalidRequest, "FIELD_TOO_LONG"):
        await listed(ingestion, location, error_text="x" * 201)
