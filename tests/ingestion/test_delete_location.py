"""A location is deleted with all that happened in it."""

from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db import removal
from libs.db.database import Database
from services.ingestion.actions.removing import Removing
from services.ingestion.store.tables import IngestionTable
from tests.ingestion.builders import (
    a_failure,
    ago,
    an_execution,
    an_ingestion,
    listed,
    record,
    refused,
)
from tests.support.everything import GONE, STAYING, fill, traces
from tests.support.recount import differences

OF_NO_LOCATION = frozenset({"arrivals", "door_heartbeats", "outbox_lease", "recording_gaps"})


async def delete(ingestion, location):
    request = pb.DeleteLocationRequest(location_id=location)
    return (await ingestion.DeleteLocation(request, timeout=10)).deleted_count


async def test_nothing_is_left_in_any_table_and_others_keep_every_row(
    new_database, notifier_address
):
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address):
        pass  # it makes the partitions
    fill(url, IngestionTable.metadata, but=OF_NO_LOCATION)
    there, others = traces(url, GONE), traces(url, STAYING)

    async with Database.open(url, name="test") as database:
        removed = await Removing(database).remove(GONE)
        again = await Removing(database).remove(GONE)

    assert (removed, again) == (len(there), 0)
    assert removed == len(IngestionTable.metadata.tables) - len(OF_NO_LOCATION)
    assert traces(url, GONE) == {}
    assert traces(url, STAYING) == others


async def test_the_numbers_of_others_stay_and_it_begins_anew(
    new_database, notifier_address, monkeypatch
):
    monkeypatch.setattr(removal, "AT_ONCE", 7)
    url = new_database("ingestion")
    async with an_ingestion(url, notifier_address) as ingestion:
        for location in ("goes", "stays"):
            runs = [a_failure(location, f"wf-{n % 3}", executed_at=ago(days=n)) for n in range(25)]
            await record(ingestion, *runs, an_execution(location, run_id="r-1"))
        assert await delete(ingestion, "goes") > 26
        assert await listed(ingestion, "goes") == []
        assert len(await listed(ingestion, "stays")) == 26
        assert differences(url) == []

        await record(ingestion, an_execution("goes", run_id="r-1"))
        assert len(await listed(ingestion, "goes")) == 1


async def test_deleting_what_is_not_there_does_nothing(ingestion, location):
    assert await delete(ingestion, location) == 0


async def test_a_location_must_be_named(ingestion):
    with refused(problems.InvalidRequest, "LOCATION_MISSING"):
        await delete(ingestion, "")
