"""Doors say that they are open; a time in which none did is noted and told, once."""

import asyncio
from datetime import UTC, timedelta

import psycopg
import pytest

from libs.db.database import Database
from services.ingestion.actions.noticing import Noticing
from tests.ingestion.builders import StoppedClock, an_execution, an_ingestion, record, settings_of
from tests.ingestion.gaps import a_gap, gaps_of, keep_open
from tests.support.waiting import eventually

TOLD = "SELECT kind, payload ->> 'execution_count' FROM outbox ORDER BY id"


def events_of(notifier, gap_id):
    """What the notifier was told of a gap, oldest first."""
    details = [getattr(each, each.WhichOneof("detail")) for each in notifier.events("")]
    return [each for each in details if each.gap_id == gap_id]


async def test_the_first_door_ever_ends_no_gap_and_a_minute_is_none(stopped_clock):
    assert await keep_open(stopped_clock.ingestion) is None
    stopped_clock.move(minutes=1)
    assert await keep_open(stopped_clock.ingestion) is None
    assert not (await gaps_of(stopped_clock.ingestion)).gaps


async def test_many_doors_and_replicas_that_come_back_at_once_note_and_tell_one_gap(
    new_database, notifier, notifier_address
):
    clock = StoppedClock(new_database("ingestion"))
    began = clock.now
    async with an_ingestion(clock.url, notifier_address) as ingestion:
        await keep_open(ingestion)
    clock.move(minutes=15)
    async with (
        an_ingestion(clock.url, notifier_address) as one,
        an_ingestion(clock.url, notifier_address) as other,
    ):
        answers = await asyncio.gather(*[keep_open(each) for each in (one, other) * 4])
        (gap,) = [each for each in answers if each]
        assert (gap.start.ToDatetime(UTC), gap.end.ToDatetime(UTC)) == (began, clock.now)
        assert [each.gap_id for each in (await gaps_of(one)).gaps] == [gap.gap_id]
        (told,) = await eventually(lambda: events_of(notifier, gap.gap_id))
        assert (told.start, told.end) == (gap.start, gap.end)

        within = an_execution("l", executed_at=began + timedelta(minutes=5))
        await record(one, within, within, an_execution("l"))
    clock.move(minutes=75)
    async with an_ingestion(clock.url, notifier_address):
        _, over = await eventually(lambda: (told := events_of(notifier, gap.gap_id))[1:] and told)
    assert (over.start, over.end, over.execution_count) == (gap.start, gap.end, 2)


async def test_how_long_is_a_setting(new_database):
    clock = StoppedClock(new_database("ingestion"))
    async with an_ingestion(clock.url, gap_after=timedelta(minutes=5)) as clock.ingestion:
        assert await a_gap(clock, minutes=5) is None
        assert await a_gap(clock, minutes=5, seconds=1)


@pytest.mark.parametrize("seconds", [29, 3601])
def test_a_setting_out_of_its_range_is_refused(seconds):
    with pytest.raises(ValueError, match="gap_after"):
        settings_of("postgresql://", gap_after=timedelta(seconds=seconds))


async def test_the_end_is_told_after_75_minutes_by_one_of_several_replicas(stopped_clock):
    gap = await a_gap(stopped_clock, minutes=15)
    ran_at = gap.start.ToDatetime(UTC)
    just_before = ran_at - timedelta(milliseconds=1)
    await record(
        stopped_clock.ingestion,
        an_execution("l", executed_at=ran_at),
        an_execution("other", executed_at=ran_at),
        an_execution("l", executed_at=just_before),
        an_execution("l", executed_at=stopped_clock.now),
    )
    with psycopg.connect(stopped_clock.url, autocommit=True) as connection:
        connection.execute("UPDATE outbox_lease SET holder = 'a test', held_until = 'infinity'")
        connection.execute("DELETE FROM outbox")
        async with Database.open(stopped_clock.url, name="test") as database:
            replicas = [Noticing(database, timedelta(), lambda: None) for _ in range(4)]

            async def told(minutes):
                stopped_clock.move(minutes=minutes)
                await asyncio.gather(*[each.tell_over() for each in replicas])
                return connection.execute(TOLD).fetchall()

            assert await told(minutes=74) == []
            assert await told(minutes=1) == [("recording_gap_over", "2")]
            assert await told(minutes=75) == [("recording_gap_over", "2")]
