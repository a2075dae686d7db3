"""The outbox tells everything once, in order, whoever dispatches and whatever breaks."""

import asyncio

import psycopg
import pytest

from libs import problems
from libs.db import outbox
from libs.db.database import Database
from libs.db.outbox import Dispatcher, OutboxEvent, Refusal

CLOCK = "CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';"


class Receiver:
    """Takes in events as a peer would; can be away, refuse one, or refuse a whole call."""

    def __init__(self):
        self.told = []
        self.away = False
        self.malformed = set()
        self.refused = set()

    async def deliver(self, events):
        if self.away:
            raise problems.Unavailable
        if self.malformed & {each.event_id for each in events}:
            raise problems.InvalidRequest("cannot be read")
        self.told += [each.event_id for each in events]
        return [Refusal(each.event_id, "NO") for each in events if each.event_id in self.refused]


@pytest.fixture
def url(databases):
    made = databases.new_empty()
    with psycopg.connect(made) as connection:
        connection.execute(CLOCK + outbox.CREATE)
    yield made
    databases.drop(made)


@pytest.fixture
async def database(url):
    async with Database.open(url, name="test") as opened:
        yield opened


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def dispatcher(database, receiver):
    return Dispatcher(database, receiver.deliver, service="test")


async def written(database, *event_ids):
    async with database.transaction() as session:
        await outbox.add(session, [OutboxEvent("happened", {"n": 1}, each) for each in event_ids])


async def test_events_are_told_in_the_order_they_were_written(database, receiver, dispatcher):
    names = [f"e{n}" for n in range(250)]
    await written(database, *names)

    await dispatcher.dispatch()

    assert receiver.told == names
    assert (await dispatcher.state()).waiting == 0


async def test_an_event_written_twice_is_told_once(database, receiver, dispatcher):
    await written(database, "e1")
    await written(database, "e1", "e2")

    await dispatcher.dispatch()

    assert receiver.told == ["e1", "e2"]


async def test_an_event_of_a_transaction_that_failed_is_never_told(database, receiver, dispatcher):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await outbox.add(session, [OutboxEvent("happened", {}, "e1")])
            1 / 0  # noqa: B018

    await dispatcher.dispatch()

    assert receiver.told == []


async def test_what_could_not_be_told_stays_until_the_receiver_is_back(
    database, receiver, dispatcher
):
    await written(database, "e1", "e2")
    receiver.away = True
    with pytest.raises(problems.Unavailable):
        await dispatcher.dispatch()
    state = await dispatcher.state()
    receiver.away = False

    await dispatcher.dispatch()

    assert (state.waiting, receiver.told) == (2, ["e1", "e2"])


async def test_a_refused_event_goes_to_the_dead_letters_and_stops_nobody(
    database, receiver, dispatcher
):
    await written(database, "e1", "bad", "worse", "e2")
    receiver.refused.add("bad")
    receiver.malformed.add("worse")

    await dispatcher.dispatch()

    assert [each for each in receiver.told if each.startswith("e")] == ["e1", "e2"]
    state = await dispatcher.state()
    assert (state.waiting, state.dead_letters) == (0, 2)


async def test_only_the_holder_of_the_lease_dispatches_until_it_hands_it_back(database, receiver):
    one = Dispatcher(database, receiver.deliver, service="test")
    other = Dispatcher(database, receiver.deliver, service="test")
    await one.dispatch()
    await written(database, "e1")

    await other.dispatch()
    assert receiver.told == []

    await one.hand_back()
    await other.dispatch()
    assert receiver.told == ["e1"]


async def test_a_lease_whose_holder_died_is_taken_over(database, url, receiver):
    await Dispatcher(database, receiver.deliver, service="test").dispatch()
    await written(database, "e1")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE outbox_lease SET held_until = clock_now()")

    await Dispatcher(database, receiver.deliver, service="test").dispatch()

    assert receiver.told == ["e1"]


async def test_dispatchers_at_the_same_moment_tell_everything_once(database, receiver):
    await written(database, *[f"e{n}" for n in range(300)])
    crowd = [Dispatcher(database, receiver.deliver, service="test") for _ in range(4)]

    await asyncio.gather(*(each.dispatch() for each in crowd))

    assert sorted(receiver.told) == sorted(f"e{n}" for n in range(300))
