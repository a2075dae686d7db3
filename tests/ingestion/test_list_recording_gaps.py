"""When nothing could be recorded, and what came of those times later."""

from datetime import UTC, timedelta

from libs import paging, problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.db.database import Database
from services.ingestion.actions.tidying import Tidying
from tests.ingestion.builders import an_execution, record, refused
from tests.ingestion.gaps import a_gap, gaps_of, keep_open


async def test_gaps_come_newest_first_page_by_page(stopped_clock):
    made = [(await a_gap(stopped_clock, minutes=minutes)).gap_id for minutes in (2, 3, 4)]

    first = await gaps_of(stopped_clock.ingestion, page_size=2)
    rest = await gaps_of(stopped_clock.ingestion, page_size=2, page_token=first.next_page_token)

    assert [each.gap_id for each in (*first.gaps, *rest.gaps)] == made[::-1]
    assert not rest.next_page_token
    spans = [each.end.ToDatetime(UTC) - each.start.ToDatetime(UTC) for each in first.gaps]
    assert spans == [timedelta(minutes=4), timedelta(minutes=3)]
    with refused(problems.InvalidRequest, paging.PageTokenWrong.reason):
        await gaps_of(stopped_clock.ingestion, "l", page_token=first.next_page_token)


async def test_counted_is_what_ran_in_the_gap_and_came_after_it(stopped_clock):
    await keep_open(stopped_clock.ingestion)
    stopped_clock.move(minutes=1)
    known = an_execution("l", executed_at=stopped_clock.now)
    await record(stopped_clock.ingestion, known)
    gap = await a_gap(stopped_clock, minutes=10)
    within = gap.start.ToDatetime(UTC) + timedelta(minutes=5)
    came = [an_execution(each, executed_at=within) for each in ("l", "l", "other")]
    await record(stopped_clock.ingestion, *came, an_execution("l"))

    async def counted(location_id=""):
        found = await gaps_of(stopped_clock.ingestion, location_id)
        return [each.execution_count for each in found.gaps]

    assert (await counted(), await counted("l"), await counted("nobody")) == ([3], [2], [0])


async def test_gaps_are_kept_as_long_as_executions(stopped_clock):
    gap = await a_gap(stopped_clock, minutes=5)
    await a_gap(stopped_clock, days=89)
    async with Database.open(stopped_clock.url, name="test") as database:
        tidying = Tidying(database, timedelta(days=90))
        await tidying.forget_expired()
        assert len((await gaps_of(stopped_clock.ingestion)).gaps) == 2
        stopped_clock.move(days=1)
        await tidying.forget_expired()
    assert gap.gap_id not in {each.gap_id for each in (await gaps_of(stopped_clock.ingestion)).gaps}


async def test_the_status_has_the_newest_of_the_last_day(stopped_clock):
    async def last():
        request = pb.GetIngestionStatusRequest()
        return await stopped_clock.ingestion.GetIngestionStatus(request, timeout=5)

    assert not (await last()).HasField("last_recording_gap")
    await a_gap(stopped_clock, minutes=5)
    gap = await a_gap(stopped_clock, minutes=6)
    stopped_clock.move(hours=23, minutes=59)
    assert (await last()).last_recording_gap == gap
    stopped_clock.move(minutes=1)
    assert not (await last()).HasField("last_recording_gap")
