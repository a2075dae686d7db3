"""The back-test says of the past what really happened: both judge by the same rules."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.db.database import Database
from libs.secrets import SecretBox
from services.ingestion.actions.analysing import Analysing
from services.ingestion.actions.recording import Recording
from services.ingestion.actions.tidying import Tidying
from services.ingestion.domain.backtest import Episode
from services.ingestion.domain.contact import ContactRefs
from services.ingestion.domain.execution import Report, Status, WorkflowKey
from tests.support.database_clock import set_clock

TICK = timedelta(microseconds=1)
DAY = timedelta(hours=24)
"""The window of the threshold, which is 3 failures."""
BEGIN = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
WORKFLOWS = ("a", "b", "c")
KINDS = {
    "F": {"status": Status.FAILED},
    "s": {"status": Status.SUCCESS},
    "p": {"status": Status.PARTIAL},
    "e": {"status": Status.FAILED, "error_message": "unsubscribed"},
}
law = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
Run = tuple[str, str, timedelta | None]
"""The workflow, the kind, and how long ago it ended, if the report says so."""
Stream = Sequence[tuple[timedelta, Sequence[Run]]]
_serial = itertools.count(1)


@dataclass
class Lives:
    """Workflows of one location after the other, recorded while nobody listens."""

    url: str
    recording: Recording
    analysing: Analysing
    location: str = ""
    now: datetime = BEGIN
    ended: dict[str, list[tuple[datetime, int, str]]] = field(default_factory=dict)
    """The runs of each workflow: when they ended, which in the order of arrival, and how."""

    async def lived(self, stream: Stream) -> None:
        """Begins anew, and records a stream of batches, each so long after the one before."""
        self.location, self.now, self.ended = f"l{next(_serial)}", BEGIN, {}
        for wait, runs in stream:
            await self.record(wait, *runs)

    async def record(self, wait: timedelta, *runs: Run) -> None:
        """Records runs in one batch."""
        self.now += wait
        set_clock(self.url, self.now)
        reports = [
            Report(
                location_id=self.location,
                workflow_id=workflow,
                executed_at=None if age is None else self.now - age,
                **KINDS[kind],
            )
            for workflow, kind, age in runs
        ]
        await self.recording.record(reports)
        for workflow, kind, age in runs:
            end = (self.now - (age or timedelta()), next(_serial), kind)
            self.ended.setdefault(workflow, []).append(end)

    def told(self, workflow: str) -> list[Episode]:
        """Gives the alerts that wait to be told; those of one episode are one in the outbox."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT kind, payload FROM outbox WHERE payload ->> 'location_id' = %s"
                " AND payload ->> 'workflow_id' = %s ORDER BY id",
                [self.location, workflow],
            ).fetchall()
        episodes: list[Episode] = []
        for kind, said in rows:
            if kind == "workflow_failing":
                opened = datetime.fromisoformat(said["occurred_at"])
                episodes.append(Episode(opened, said["new_failures"]))
            else:
                episodes[-1].recovered_at = datetime.fromisoformat(said["recovered_at"])
        return episodes

    async def backtested(self, workflow: str) -> Sequence[Episode]:
        """Gives the alerts that the back-test finds."""
        key = WorkflowKey(self.location, workflow)
        trial = await self.analysing.backtest(
            key, self.now - BEGIN + 30 * DAY, failures=None, hours=None
        )
        return trial.episodes


@pytest.fixture
async def lives(new_database) -> AsyncIterator[Lives]:
    url = new_database("ingestion")
    set_clock(url, BEGIN)
    async with Database.open(url, name="test", by_index=True, exchanging=True) as database:
        await Tidying(database, timedelta(days=90)).make_partitions()
        recording = Recording(database, SecretBox(["k"]), ContactRefs(["k"]), lambda: None)
        yield Lives(url, recording, Analysing(database))


workflows = st.sampled_from(WORKFLOWS)
waits = st.sampled_from([TICK, DAY / 3, DAY / 3 - TICK, DAY / 2, DAY - TICK])
in_time = st.tuples(workflows, st.sampled_from("FFFFssspe"), st.none())
EDGES = [DAY * third / 3 + tick for third in range(4) for tick in (-TICK, 0 * TICK, TICK)]
ages = st.sampled_from([age for age in EDGES if timedelta() <= age < DAY])
ahead = st.sampled_from([timedelta(minutes=-5), -TICK])
late = st.tuples(workflows, st.sampled_from("FFFFssspe"), ages)
early = st.tuples(workflows, st.just("F"), ahead)


def streams(runs: st.SearchStrategy) -> st.SearchStrategy:
    batches = st.lists(runs, min_size=1, max_size=6)
    return st.lists(st.tuples(waits, batches), min_size=1, max_size=8)


@law
@given(stream=streams(in_time))
async def test_what_is_reported_in_time_alerts_as_the_back_test_says(lives, stream):
    await lives.lived(stream)
    for workflow in lives.ended:
        told, tested = lives.told(workflow), await lives.backtested(workflow)
        assert [(each.failure_count, each.recovered_at) for each in told] == [
            (each.failure_count, each.recovered_at) for each in tested
        ]


@law
@given(stream=streams(late | early))
async def test_what_is_reported_late_and_in_any_order_alerts_when_the_back_test_does(lives, stream):
    """No later than a window, that is. An end may be later in life: of the successes the one that
    is known first tells it, and none does while a newer failure is known.
    """
    await lives.lived(stream)
    for workflow, ended in lives.ended.items():
        told, tested = lives.told(workflow), await lives.backtested(workflow)
        assert bool(told) == bool(tested)
        if not told:
            continue
        newest = max(end for end in ended if end[-1] in "Fs")
        if tested[-1].recovered_at is None:
            assert told[-1].recovered_at is None
        if newest[-1] == "s":
            assert told[-1].recovered_at >= tested[-1].recovered_at
