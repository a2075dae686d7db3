"""A contact is forgotten, and no number changes."""

import psycopg
import pytest

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.rpc.times import timestamp
from tests.ingestion.builders import (
    FAILED,
    KEY,
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
    refused,
)
from tests.support.recount import differences
from tests.support.waiting import eventually

WORDS = b"ana@example.org, c-ana, +1 555 0100"


async def forget(ingestion, location, contact_id="c-ana"):
    request = pb.ForgetContactRequest(location_id=location, contact_id=contact_id)
    response = await ingestion.ForgetContact(request, timeout=10)
    return response.execution_count, response.quarantined_count


async def metrics(ingestion, location):
    request = pb.GetWorkflowMetricsRequest(location_id=location, workflow_id="wf")
    found = (await ingestion.GetWorkflowMetrics(request, timeout=5)).metrics
    return found.current, found.last_failure_at, found.last_execution_at


async def quarantine(ingestion, location, body, key=""):
    unread = pb.UnreadDelivery(
        location_id=location,
        workflow_id="wf",
        reason="STATUS_MISSING",
        body=body,
        idempotency_key=key,
    )
    items = [pb.RecordItem(unread=unread)]
    await ingestion.RecordExecutions(pb.RecordExecutionsRequest(items=items), timeout=5)


async def unread(ingestion, location):
    request = pb.ListQuarantinedRequest(location_id=location)
    return list((await ingestion.ListQuarantined(request, timeout=5)).deliveries)


def kept_text(url):
    """Everything of the log and of the open runs, as text."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT log::text FROM execution_logs AS log UNION ALL "
            "SELECT open::text FROM open_runs AS open"
        ).fetchall()
    return " ".join(row[0] for row in rows)


def with_contact(url, table):
    """The run ids of the rows that hold a contact."""
    with psycopg.connect(url) as connection:
        query = f"SELECT run_id FROM {table} WHERE contact_ref IS NOT NULL ORDER BY run_id"
        return connection.execute(query).fetchall()


async def test_the_runs_of_a_contact_stay_without_it(ingestion, location):
    hers = {"contact_id": "c-ana", "run_id": "c-ana-1", "execution_time_ms": 70}
    message = "550: ana@example.org is unknown"
    await record(
        ingestion,
        a_failure(location, **hers, error_message=message, executed_at=ago(days=20)),
        a_failure(location, contact_id="c-ana", error_message=message),
        an_execution(location, contact_id="c-bo", run_id="c-bo-1"),
        an_execution(location),
    )
    before = await metrics(ingestion, location)
    assert await forget(ingestion, location) == (2, 0)
    found = await listed(ingestion, location)

    assert await metrics(ingestion, location) == before
    assert [each.status for each in found].count(FAILED) == 2
    assert [each.error_message for each in found] == [""] * 4
    assert sorted(each.run_id for each in found) == ["", "", "", "c-bo-1"]
    assert {each.error_class for each in found if each.status == FAILED} == {"EMAIL_BOUNCE"}
    assert await forget(ingestion, location) == (0, 0)


async def test_the_notifier_is_told_which_of_its_runs_failed(
    ingestion, location, notifier, monkeypatch
):
    monkeypatch.setattr("services.ingestion.actions.forgetting.MOST_TOLD", 2)
    hers = {"contact_id": "c-ana", "error_message": "no"}
    await record(
        ingestion,
        a_failure(location, **hers, run_id="1"),
        a_failure(location, **hers),
        a_failure(location, **hers, run_id="3", executed_at=ago(days=20)),
        a_failure(location, **hers, run_id="4"),
        an_execution(location, contact_id="c-ana", run_id="c-ana-5"),
        a_failure(location, contact_id="c-bo", run_id="6"),
    )
    failed = {
        each.execution_id: each.run_id
        for each in await listed(ingestion, location, contact_id="c-ana")
        if each.status == FAILED
    }

    def told():
        return [
            each.contact_forgotten
            for each in notifier.events(location)
            if each.HasField("contact_forgotten")
        ]

    assert await forget(ingestion, location) == (5, 0)
    assert await forget(ingestion, location, "c-nobody") == (0, 0)
    found = await eventually(lambda: told() if len(told()) == 3 else None)

    assert sorted(len(each.execution_ids) for each in found) == [1, 1, 2]
    assert {one for each in found for one in each.execution_ids} > failed.keys()
    assert sorted(one for each in found for one in each.run_ids) == ["1", "3", "4"]
    assert await forget(ingestion, location) == (0, 0)


async def test_the_roll_ups_say_what_the_log_says_afterwards(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        runs = [
            a_failure("l", f"wf-{number % 3}", contact_id=f"c-{number % 5}", error_message="dnd")
            for number in range(40)
        ]
        await record(ingestion, *runs)
        assert await forget(ingestion, "l", "c-2") == (8, 0)
    assert differences(url) == []


async def test_only_a_hash_is_ever_kept(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        started = an_execution(
            "l", status=pb.EXECUTION_STATUS_STARTED, run_id="r", contact_id="c-ana"
        )
        await record(ingestion, a_failure("l", contact_id="c-ana"), started)
    assert "c-ana" not in kept_text(url)


async def test_the_contact_of_an_open_run_is_forgotten_too(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        for contact in ("c-ana", "c-bo"):
            fields = {"run_id": contact[2:], "contact_id": contact}
            await record(ingestion, an_execution("l", status=pb.EXECUTION_STATUS_STARTED, **fields))
        assert await forget(ingestion, "l") == (0, 0)
    assert with_contact(url, "open_runs") == [("bo",)]


async def test_another_location_keeps_its_contact_of_the_same_id(ingestion, location):
    await record(ingestion, a_failure(f"{location}-b", contact_id="c-ana", error_message="no"))
    assert await forget(ingestion, location) == (0, 0)
    assert [each.error_message for each in await listed(ingestion, f"{location}-b")] == ["no"]


async def test_the_runs_of_a_contact_can_be_found(ingestion, location):
    await record(
        ingestion,
        a_failure(location, contact_id="c-ana", run_id="1", executed_at=ago(hours=2)),
        an_execution(location, contact_id="c-bo", run_id="2"),
        an_execution(location, contact_id="c-ana", run_id="3", executed_at=ago(hours=1)),
        an_execution(location, contact_id="c-ana", run_id="4", executed_at=ago(days=8)),
    )
    found = await listed(ingestion, location, contact_id="c-ana")
    assert [each.run_id for each in found] == ["3", "1"]
    with refused(problems.InvalidRequest, "TEXT_RANGE_TOO_LONG"):
        since = timestamp(ago(days=9))
        await listed(ingestion, location, contact_id="c-ana", executed_from=since)


async def test_what_a_key_of_before_hashed_is_found_after_a_rotation(
    new_database, notifier_address
):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address, keys=["old"]) as ingestion:
        await record(ingestion, a_failure("l", contact_id="c-ana", error_message="no"))
    async with an_ingestion(url, notifier_address, keys=[KEY, "old"]) as ingestion:
        await record(ingestion, a_failure("l", contact_id="c-ana", error_message="no"))
        assert len(await listed(ingestion, "l", contact_id="c-ana")) == 2
        assert await forget(ingestion, "l") == (2, 0)


async def test_unread_deliveries_that_name_the_contact_are_removed(ingestion, location):
    for number in range(120):
        body = WORDS if number % 40 == 0 else b'{"contact_id": "c-bo"}'
        await quarantine(ingestion, location, body)
    await quarantine(ingestion, location, b"{}", key="run of c-ana")
    assert await forget(ingestion, location) == (0, 4)
    assert await forget(ingestion, location, "c-bo") == (0, 117)
    assert await unread(ingestion, location) == []


async def test_unread_deliveries_that_no_key_opens_are_removed(new_database, notifier_address):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address, keys=["lost"]) as ingestion:
        await quarantine(ingestion, "l", b"{}")
    async with an_ingestion(url, notifier_address) as ingestion:
        assert await forget(ingestion, "l") == (0, 1)


async def test_error_groups_count_whom_they_hit(ingestion, location):
    hit = [a_failure(location, contact_id=each, error_message="no") for each in ("a", "b", "b", "")]
    await record(ingestion, *hit)
    request = pb.ListErrorGroupsRequest(location_id=location)
    (group,) = (await ingestion.ListErrorGroups(request, timeout=5)).groups
    assert (group.count, group.contact_count) == (4, 2)


@pytest.mark.parametrize(
    ("location_id", "contact_id", "reason"),
    [
        ("", "c", "LOCATION_MISSING"),
        ("l", "", "CONTACT_MISSING"),
        ("l", "c" * 201, "FIELD_TOO_LONG"),
    ],
)
async def test_a_malformed_request_is_refused(ingestion, location_id, contact_id, reason):
    with refused(problems.InvalidRequest, reason):
        await forget(ingestion, location_id, contact_id)
