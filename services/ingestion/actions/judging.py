"""Compares workflows with their thresholds, and says what the notifier must be told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from libs import metrics
from libs.db.outbox import OutboxEvent
from libs.ids import new_id
from services.ingestion.actions.standings import RememberedStandings
from services.ingestion.domain import failure
from services.ingestion.domain.events import (
    Event,
    FinishedAgain,
    WorkflowFailing,
    WorkflowRecovered,
    kind_of,
    payload_of,
)
from services.ingestion.domain.execution import Execution, Status, WorkflowKey
from services.ingestion.domain.threshold import Evidence, Standing, Tally
from services.ingestion.domain.workflow import Sighted, Sighting, sightings
from services.ingestion.store import Session, Transaction, batches, thresholds, workflows
from services.ingestion.store.batches import Entered, Guess
from services.ingestion.store.told_thresholds import SetBy


class _Alarm(Struct, frozen=True):
    """A workflow that is at or over its threshold, and how much of that is news."""

    sighted: Sighted
    tally: Tally
    new_failures: int


PROMPT = timedelta(minutes=5)
"""Failures that are no older are in every window that ends now."""


async def enter(
    transaction: Transaction,
    batch: Sequence[Execution],
    at: datetime,
    *,
    commit: bool,
    remembered: RememberedStandings,
    guess: Guess | None = None,
) -> bool:
    """Adds a batch to the log; says whether that means something for the notifier.

    Raises `GuessedWrong` after a wrong guess.
    """
    seen = sightings(batch)
    if guess and commit and remembered.are_kept_by(seen) and _are_prompt(batch, at):
        await batches.enter_quietly(transaction, batch, seen, at=at, guess=guess)
        metrics.INGEST_BATCHES.labels(kind="counted").inc()
        return any(each.failures for each in seen)
    told = await _enter_and_judge(
        transaction, batch, seen, at, commit=commit, remembered=remembered, guess=guess
    )
    metrics.INGEST_BATCHES.labels(kind="judged" if guess else "asked").inc()
    return told


def _are_prompt(batch: Iterable[Execution], at: datetime) -> bool:
    return all(at - PROMPT <= run.executed_at <= at for run in batch if run.counts_to_threshold)


async def _enter_and_judge(
    transaction: Transaction,
    batch: Sequence[Execution],
    seen: Sequence[Sighting],
    at: datetime,
    *,
    commit: bool,
    remembered: RememberedStandings,
    guess: Guess | None,
) -> bool:
    failed: dict[WorkflowKey, list[datetime]] = defaultdict(list)
    for run in batch:
        if run.counts_to_threshold:
            failed[run.workflow].append(run.executed_at)
    entered = await batches.enter(transaction, batch, seen, failed=failed, at=at, guess=guess)
    if late := _late(entered, failed, at):
        await batches.judge_late(transaction, entered, late)
    standings = {workflow: each.standing for workflow, each in entered.sighted.items()}
    alarms = _alarms(entered, standings, failed, at)
    recoveries = await _recoveries(transaction, standings, batch, alarms, at)
    alarms += await _counted(transaction, entered, standings, recoveries)
    standings |= {workflow: standings[workflow].after_recovery() for workflow in recoveries}
    events: list[Event] = _failing_now(alarms, entered, at)
    for workflow, recovered_at in recoveries.items():
        events.append(_recovered(entered.sighted[workflow], recovered_at, at))
    finished = await _finished(transaction, standings, batch)
    events += [_finished_again(entered.sighted[workflow], at) for workflow in finished]
    changed = _changed(standings, entered.sighted)
    await batches.conclude(transaction, changed, _to_tell(events), commit=commit)
    remembered.note(standings)
    return bool(events)


async def tell_counted(transaction: Transaction) -> bool:
    """Tells of failures that batches only counted, and commits; says whether there were any."""
    at, entered = await batches.counted(transaction)
    if not entered.sighted:
        return False
    standings = {workflow: each.standing for workflow, each in entered.sighted.items()}
    alarms = _of_counted(entered, standings, entered.sighted)
    events = _to_tell(_failing_now(alarms, entered, at))
    changed = _changed(standings, entered.sighted)
    await batches.conclude(transaction, changed, events, commit=True)
    return True


async def _counted(
    transaction: Transaction,
    entered: Entered,
    standings: dict[WorkflowKey, Standing],
    recovered: Iterable[WorkflowKey],
) -> list[_Alarm]:
    """Gives what was only counted of those who recovered: it came before that."""
    untold = {each for each in recovered if standings[each].untold_failures}
    owed = sorted(each for each in untold if standings[each].failing)
    await batches.judge(transaction, entered, owed)
    return _of_counted(entered, standings, owed)


def _of_counted(
    entered: Entered, standings: dict[WorkflowKey, Standing], wanted: Iterable[WorkflowKey]
) -> list[_Alarm]:
    alarms = []
    for workflow in wanted:
        tally = entered.tallies[workflow]
        standings[workflow], to_tell = standings[workflow].after_failures(tally, new=0)
        if to_tell:
            alarms.append(_Alarm(entered.sighted[workflow], tally, to_tell))
    return alarms


async def review(session: Session, changed: Sequence[SetBy], at: datetime) -> list[OutboxEvent]:
    """Gives what changed thresholds mean for the notifier; nothing may be recorded meanwhile."""
    alarms = []
    standings = {}
    reviewed = await thresholds.reviewed(session, changed)
    for each in reviewed:
        standing, new_failures = each.sighted.standing.after_change(
            each.tally, succeeded_since=each.succeeded_since
        )
        standings[each.sighted.workflow] = standing
        if new_failures is not None:
            alarms.append(_Alarm(each.sighted, each.tally, new_failures))
    before = {each.sighted.workflow: each.sighted for each in reviewed}
    await workflows.set_standings(session, _changed(standings, before))
    return _to_tell(await _failing(session, alarms, at))


def _late(
    entered: Entered, failed: Mapping[WorkflowKey, Sequence[datetime]], at: datetime
) -> dict[WorkflowKey, datetime]:
    """Gives the oldest failure of workflows for which one window does not tell all.

    Theirs came late, or one of theirs is ahead of our clock, and the window that
    was counted does not hold too many.
    """
    oldest = {workflow: min(moments) for workflow, moments in failed.items()}
    return {
        workflow: oldest[workflow]
        for workflow, tally in entered.tallies.items()
        if not tally.exceeded and (oldest[workflow] < at or (tally.last_failure_at or at) > at)
    }


def _alarms(
    entered: Entered,
    standings: dict[WorkflowKey, Standing],
    failed: Mapping[WorkflowKey, Sequence[datetime]],
    at: datetime,
) -> list[_Alarm]:
    alarms = []
    for workflow, tally in entered.tallies.items():
        # One that no window can hold any more, late as it came, is no news.
        window = tally.threshold.window
        last = tally.last_failure_at if tally.exceeded else None
        start = last - window if last else at - 2 * window
        new = sum(executed_at > start for executed_at in failed[workflow])
        if not new:
            continue
        standings[workflow], to_tell = standings[workflow].after_failures(tally, new=new)
        if to_tell is not None:
            alarms.append(_Alarm(entered.sighted[workflow], tally, to_tell))
    return alarms


def _may_be_over(
    batch: Iterable[Execution], alarms: Iterable[_Alarm], at: datetime
) -> set[WorkflowKey]:
    """Gives workflows that succeeded, and those whose failures came so late that they may have."""
    succeeded = {run.workflow for run in batch if run.status == Status.SUCCESS}
    lasts = {each.sighted.workflow: each.tally.last_failure_at for each in alarms}
    return succeeded | {workflow for workflow, last in lasts.items() if last and last < at}


async def _recoveries(
    transaction: Transaction,
    standings: Mapping[WorkflowKey, Standing],
    batch: Iterable[Execution],
    alarms: Iterable[_Alarm],
    at: datetime,
) -> dict[WorkflowKey, datetime]:
    due = {workflow for workflow, standing in standings.items() if standing.recovery_due}
    if not due:
        return {}  # almost always
    wanted = sorted(due & _may_be_over(batch, alarms, at))
    if not wanted:
        return {}
    return await batches.first_successes(transaction, wanted)


async def _finished(
    transaction: Transaction, standings: dict[WorkflowKey, Standing], batch: Iterable[Execution]
) -> list[WorkflowKey]:
    """Gives the workflows whose runs had never finished, and of which one ended after them."""
    due = {workflow for workflow, standing in standings.items() if standing.finish_due}
    if not due:
        return []  # almost always
    ended = [
        run for run in batch if run.workflow in due and run.error_class != failure.NEVER_FINISHED
    ]
    if not ended:
        return []
    unfinished = await batches.last_unfinished(transaction, {run.workflow for run in ended})
    finished = {
        run.workflow
        for run in ended
        if run.workflow not in unfinished or run.order() > unfinished[run.workflow]
    }
    for workflow in finished:
        standings[workflow] = standings[workflow].after_finish()
    return sorted(finished)


def _changed(
    standings: Mapping[WorkflowKey, Standing], before: Mapping[WorkflowKey, Sighted]
) -> dict[WorkflowKey, Standing]:
    return {key: now for key, now in standings.items() if now != before[key].standing}


async def _failing(session: Session, alarms: Sequence[_Alarm], at: datetime) -> list[Event]:
    found = await thresholds.evidence(session, [each.sighted.workflow for each in alarms])
    alarms = sorted(alarms, key=lambda each: each.sighted.workflow)
    return [_told(alarm, found[alarm.sighted.workflow], at) for alarm in alarms]


def _failing_now(alarms: Iterable[_Alarm], entered: Entered, at: datetime) -> list[Event]:
    in_order = sorted(alarms, key=lambda each: each.sighted.workflow)
    return [_told(each, entered.evidence[each.sighted.workflow], at) for each in in_order]


def _told(alarm: _Alarm, evidence: Evidence, at: datetime) -> WorkflowFailing:
    tally, (location_id, workflow_id) = alarm.tally, alarm.sighted.workflow
    assert tally.first_failure_at, "a threshold is at least one failure"
    assert tally.last_failure_at
    return WorkflowFailing(
        location_id=location_id,
        occurred_at=at,
        workflow_id=workflow_id,
        workflow_name=alarm.sighted.name,
        new_failures=alarm.new_failures,
        failure_count=tally.failure_count,
        failure_threshold=tally.threshold.failure_threshold,
        time_window_hours=tally.threshold.time_window_hours,
        first_failure_at=tally.first_failure_at,
        last_failure_at=tally.last_failure_at,
        failed_action_name=evidence.failed_action_name,
        error_message=evidence.error_message,
        error_class=evidence.error_class,
        error_fingerprint=evidence.error_fingerprint,
        # Older ones of the log are no part of the count.
        execution_ids=evidence.execution_ids[: tally.failure_count],
        last_change=evidence.last_change,
        first_since_change=evidence.first_since_change,
    )


def _recovered(sighted: Sighted, recovered_at: datetime, at: datetime) -> WorkflowRecovered:
    location_id, workflow_id = sighted.workflow
    return WorkflowRecovered(
        location_id=location_id,
        occurred_at=at,
        workflow_id=workflow_id,
        workflow_name=sighted.name,
        recovered_at=recovered_at,
    )


def _finished_again(sighted: Sighted, at: datetime) -> FinishedAgain:
    location_id, workflow_id = sighted.workflow
    return FinishedAgain(
        location_id=location_id,
        occurred_at=at,
        workflow_id=workflow_id,
        workflow_name=sighted.name,
    )


def _to_tell(events: Iterable[Event]) -> list[OutboxEvent]:
    return [to_outbox(each) for each in events]


def to_outbox(event: Event) -> OutboxEvent:
    """Writes an event for the outbox.

    While the notifier is slow or away, what a workflow's next failures say goes
    into one event.
    """
    topic = ""
    if isinstance(event, WorkflowFailing | WorkflowRecovered):
        # Apart by what no id holds, and sorted as workflows are.
        topic = f"{event.location_id}\x1f{event.workflow_id}"
    return OutboxEvent(
        kind_of(event),
        payload_of(event),
        new_id(),
        topic=topic,
        number="new_failures" if isinstance(event, WorkflowFailing) else "",
    )
