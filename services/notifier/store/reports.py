"""What a report asks and writes: for all of its events at once, in few round trips."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from libs.db import arrays
from libs.db.exchange import Question, exchange, text_of
from libs.ids import new_id
from services.notifier.domain import wording
from services.notifier.domain.delivery import Draft
from services.notifier.domain.event import AboutWorkflow, Event
from services.notifier.domain.explanation import Decision
from services.notifier.domain.inbox import Action, Deed
from services.notifier.domain.incident import (
    EarlierFix,
    Incident,
    IncidentStatus,
    Key,
    cause_key_of,
    dedup_key_of,
    failures_in,
    fingerprint_of,
    key_of,
    same_error_key,
)
from services.notifier.store import causes, deliveries, events, inbox, incidents, listening
from services.notifier.store.incidents import AMONG, COLUMNS, among
from services.notifier.store.listening import Listening
from services.notifier.store.tables import IncidentRow

WOKEN = Action(Deed.WOKEN, note="It got worse.")


@dataclass(frozen=True, slots=True)
class Entered:
    """What there is, now that the events of a report are in the log."""

    happened: Mapping[str, datetime]
    """The ids of those that are new, and when they happened."""
    listening: Listening
    held: Sequence[Incident]
    """The open incidents that they are about, locked until the commit."""
    heard: Collection[str]
    """Those of them that somebody was told of, or is going to be."""
    spread_by: Mapping[str, str]
    """The open incidents that tell the installation of the same errors, by dedup key."""


async def enter(session: AsyncSession, told: Sequence[Event]) -> Entered:
    """Adds the events that are not there yet, and holds what decides of them.

    In the order in which everybody locks: events, settings, incidents. Each statement
    sees what was committed until it began; so who was told of an incident is only
    asked once it is held.
    """
    keys = among({key for each in told for key in _keys_of(each)})
    fingerprints = {found for each in told if (found := fingerprint_of(each))}
    answers = await exchange(
        session,
        [
            events.adding(told),
            *listening.holding_still({each.scope for each in told}),
            Question(_HOLD_OPEN, keys),
            Question(deliveries.HEARD_OF, keys),
            *causes.asking_in_installation({same_error_key(each) for each in fingerprints}),
        ],
    )
    return Entered(
        happened=dict(answers[events.ADD]),
        listening=listening.found(answers),
        held=[incidents.of_values(row) for row in answers[_HOLD_OPEN]],
        heard={incident_id for (incident_id,) in answers[deliveries.HEARD_OF]},
        spread_by=dict(answers.get(causes.OPEN_IN_INSTALLATION, ())),
    )


@dataclass(frozen=True, slots=True)
class Earlier:
    """What there was before where no incident is open."""

    settling: Mapping[Key, Incident] = field(default_factory=dict)
    """Incidents whose end is not certain yet, locked until the commit."""
    endings: Collection[Key] = ()
    """Where a message waits that an incident is over."""
    fixes: Mapping[Key, Sequence[EarlierFix]] = field(default_factory=dict)
    """What helped the last time."""


async def look_back(session: AsyncSession, keys: Collection[Key]) -> Earlier:
    """Gives what there was before, where no incident is open."""
    if not keys:
        return Earlier()
    given = among(keys)
    answers = await exchange(
        session,
        [
            Question(_HOLD_SETTLING, given),
            Question(deliveries.WAITING_ENDINGS, given),
            inbox.asking_fixes(keys),
        ],
    )
    settling = [incidents.of_values(row) for row in answers[_HOLD_SETTLING]]
    return Earlier(
        settling={(each.location_id, each.dedup_key): each for each in settling},
        endings={(row[0], row[1]) for row in answers[deliveries.WAITING_ENDINGS]},
        fixes=inbox.fixes_of(answers[inbox.EARLIER_FIXES]),
    )


@dataclass(frozen=True, slots=True)
class Opening:
    """An event that opens an incident, unless another report just did."""

    event: Event
    at: datetime
    remind_after: timedelta | None


async def open_incidents(
    session: AsyncSession, openings: Sequence[Opening]
) -> Sequence[tuple[Incident, bool]]:
    """Opens incidents, each of another key, or counts in the open ones; says which.

    They are then locked until the commit, also against a report that would have
    opened the same ones.
    """
    if not openings:
        return ()
    rows = json.dumps([_opened(each) for each in openings])
    answers = await exchange(session, [Question(_OPEN, [rows])])
    return [(incidents.of_values(row[:-1]), row[-1]) for row in answers[_OPEN]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What events changed of incidents that are held."""

    counted: Sequence[Incident]
    woken: Mapping[str, datetime | None]
    """Those whose snooze ended, and when they are told again."""
    causes: Mapping[str, str] = field(default_factory=dict)
    """Which incident stands for each; nothing for one that stands for itself."""
    remind_by: Mapping[str, datetime] = field(default_factory=dict)
    """When they are told at the latest, if ever."""


async def note(session: AsyncSession, counts: Counts) -> None:
    """Writes counts, before something looks for them."""
    await exchange(session, _noting(counts))


async def conclude(
    session: AsyncSession,
    counts: Counts,
    drafts: Sequence[Draft],
    decisions: Mapping[str, Decision],
    incident_of: Mapping[str, str],
) -> None:
    """Writes what became of the events of a report, and commits."""
    written = [*_noting(counts), *deliveries.adding(drafts)]
    written.append(events.deciding(decisions, incident_of))
    await exchange(session, written, commit=True)
    deliveries.count(drafts)


def _keys_of(event: Event) -> list[Key]:
    """Gives the keys of an event's incident, and of the one that stands for it."""
    cause = cause_key_of(event)
    return [key_of(event), *([(event.location_id, cause)] if cause else ())]


_ORDER = (col(IncidentRow.location_id), col(IncidentRow.dedup_key))
_HOLD_OPEN = text_of(
    select(*COLUMNS)
    .where(AMONG, text("status = 'open'"))
    .order_by(*_ORDER)
    .with_for_update(key_share=True)
)
_HOLD_SETTLING = text_of(
    select(*COLUMNS)
    .where(
        AMONG,
        col(IncidentRow.status) == IncidentStatus.RESOLVED,
        col(IncidentRow.settles_at) > func.clock_now(),
    )
    .order_by(*_ORDER)
    .with_for_update(key_share=True)
)

# Every batch takes its incidents in this order, so none waits in a circle.
_OPEN = f"""
    INSERT INTO incidents (
        incident_id, location_id, dedup_key, status, severity, title, workflow_id, workflow_name,
        event_count, failure_count, opened_at, last_event_at, remind_at, error_fingerprint,
        told_count, told_at
    )
    SELECT incident_id, location_id, dedup_key, 'open', severity, title, workflow_id,
           workflow_name, 1, failure_count, happened_at, happened_at,
           clock_now() + remind_after, error_fingerprint, greatest(failure_count, 1), clock_now()
    FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS opened
        (incident_id text, location_id text, dedup_key text, severity text, title text,
         workflow_id text, workflow_name text, failure_count bigint, happened_at timestamptz,
         remind_after interval, error_fingerprint text)
    ORDER BY location_id COLLATE "C", dedup_key COLLATE "C"
    ON CONFLICT (location_id, dedup_key) WHERE status = 'open' DO UPDATE SET
        event_count = incidents.event_count + excluded.event_count,
        failure_count = incidents.failure_count + excluded.failure_count,
        last_event_at = greatest(incidents.last_event_at, excluded.last_event_at),
        title = excluded.title,
        workflow_name = coalesce(nullif(excluded.workflow_name, ''), incidents.workflow_name)
    RETURNING {", ".join(COLUMNS.keys())}, xmax = 0
"""  # noqa: S608  columns of our own
_COUNT = """
    UPDATE incidents SET
        severity = counted.severity,
        event_count = counted.event_count,
        failure_count = counted.failure_count,
        last_event_at = counted.last_event_at,
        title = counted.title,
        workflow_name = counted.workflow_name,
        affected_count = counted.affected_count,
        error_fingerprint = counted.error_fingerprint,
        told_count = counted.told_count,
        told_at = counted.told_at,
        update_at = counted.update_at
    FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS counted
        (incident_id text, severity text, event_count bigint, failure_count bigint,
         last_event_at timestamptz, title text, workflow_name text, affected_count bigint,
         error_fingerprint text, told_count bigint, told_at timestamptz, update_at timestamptz)
    WHERE incidents.incident_id = counted.incident_id
"""
_WAKE = """
    UPDATE incidents
    SET snoozed_until = NULL, snoozed_until_worse = false, remind_at = woken.remind_at
    FROM unnest(CAST($1 AS text[]), CAST($2 AS timestamptz[])) AS woken (incident_id, remind_at)
    WHERE incidents.incident_id = woken.incident_id
"""
_NOTE_WAKING = """
    INSERT INTO incident_actions (incident_id, deed, actor, note, done_at)
    SELECT incident_id, $2, $3, $4, clock_now() FROM unnest(CAST($1 AS text[])) AS woken (incident_id)
"""
_REMIND_BY = """
    UPDATE incidents SET remind_at = least(coalesce(remind_at, latest.at), latest.at)
    FROM unnest(CAST($1 AS text[]), CAST($2 AS timestamptz[])) AS latest (incident_id, at)
    WHERE incidents.incident_id = latest.incident_id AND status = 'open'
        AND acknowledged_at IS NULL AND snoozed_until IS NULL AND NOT snoozed_until_worse
"""


def _opened(opening: Opening) -> dict[str, Any]:
    event, wait = opening.event, opening.remind_after
    workflow = event.detail if isinstance(event.detail, AboutWorkflow) else None
    return {
        "incident_id": new_id(),
        "location_id": event.location_id,
        "dedup_key": dedup_key_of(event),
        "severity": event.severity,
        "title": wording.title_of(event),
        "workflow_id": workflow.workflow_id if workflow else "",
        "workflow_name": workflow.workflow_name if workflow else "",
        "failure_count": failures_in(event),
        "happened_at": opening.at.isoformat(),
        "remind_after": None if wait is None else f"{wait.total_seconds()} seconds",
        "error_fingerprint": fingerprint_of(event),
    }


def _noting(counts: Counts) -> list[Question]:
    questions = []
    if counts.counted:
        rows = [_counted(each) for each in counts.counted]
        questions.append(Question(_COUNT, [json.dumps(rows)]))
    if counts.woken:
        ids = arrays.texts([*counts.woken])
        questions.append(Question(_WAKE, [ids, arrays.moments(counts.woken.values())]))
        questions.append(Question(_NOTE_WAKING, [ids, WOKEN.deed, WOKEN.actor, WOKEN.note]))
    questions += causes.noting(counts.causes)
    if latest := counts.remind_by:
        given = [arrays.texts([*latest]), arrays.moments(latest.values())]
        questions.append(Question(_REMIND_BY, given))
    return questions


def _counted(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "severity": incident.severity,
        "event_count": incident.event_count,
        "failure_count": incident.failure_count,
        "last_event_at": incident.last_event_at.isoformat(),
        "title": incident.title,
        "workflow_name": incident.workflow_name,
        "affected_count": incident.affected_count,
        "error_fingerprint": incident.error_fingerprint,
        "told_count": incident.told_count,
        "told_at": incident.told_at.isoformat(),
        "update_at": incident.update_at and incident.update_at.isoformat(),
    }
