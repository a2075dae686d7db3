"""Reads and writes `forgotten_contacts`, and takes what such contacts' runs said out of other tables.

Everything is found by what it is linked to, not by its words: channels cut and
escape them. Only the quote of an incident of many locations has no link. Deliveries
are locked before messages, and the targets of messages before both, as everywhere
else.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.domain.redaction import (
    REMOVED,
    ContactForgotten,
    content_without,
    title_without,
)

AGAIN_AFTER = timedelta(minutes=10)
"""What was written at the moment at which a contact was forgotten is there by then."""

UNFINISHED = "NEVER_FINISHED"
"""The class of errors that are words of ours: they name nobody."""

ADD = text("""
INSERT INTO forgotten_contacts (event_id, location_id, execution_ids, run_ids, due_at)
VALUES (:event_id, :location_id, :execution_ids, :run_ids, clock_now())
ON CONFLICT DO NOTHING RETURNING event_id
""")
NEXT = text("""
SELECT event_id, location_id, execution_ids, run_ids, told_event_ids, is_last
FROM forgotten_contacts WHERE due_at <= clock_now()
ORDER BY due_at, event_id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
CONCLUDE = text("""
UPDATE forgotten_contacts
SET told_event_ids = :told, is_last = true, due_at = clock_now() + CAST(:again_after AS interval)
WHERE event_id = :event_id
""")
REMOVE = text("DELETE FROM forgotten_contacts WHERE event_id = :event_id")

# What a workflow's failures said is what the newest of them said.
EVENTS = text("""
WITH told AS (
    SELECT events.event_id, events.kind, CASE WHEN payload->>'error_class' <> :unfinished
        THEN payload->>'error_message' ELSE '' END AS said
    FROM events JOIN incidents USING (incident_id)
    WHERE incidents.location_id = :location_id AND (
        events.kind = 'workflow_failing'
            AND payload->'execution_ids'->>0 = ANY (CAST(:execution_ids AS text[]))
        OR events.kind = 'never_finished' AND payload->'run_ids' ?| CAST(:run_ids AS text[])
    )
    ORDER BY events.event_id FOR UPDATE OF events
)
UPDATE events SET payload = payload || CASE told.kind
    WHEN 'workflow_failing' THEN jsonb_build_object('error_message', '')
    ELSE jsonb_build_object('run_ids', (
        SELECT coalesce(jsonb_agg(run), jsonb_build_array())
        FROM jsonb_array_elements_text(payload->'run_ids') AS run
        WHERE run <> ALL (CAST(:run_ids AS text[]))
    )) END
FROM told WHERE events.event_id = told.event_id
RETURNING events.event_id, told.said
""")
# An incident of many locations quotes one of them; which, nobody wrote down.
QUOTING = text("""
SELECT DISTINCT incidents.incident_id FROM incidents JOIN events USING (incident_id)
WHERE incidents.location_id = '' AND dedup_key LIKE 'err:%' AND kind = 'same_error'
    AND payload->>'error_message' = ANY (CAST(:said AS text[]))
""")
HELD = text("""
SELECT incident_id, title FROM incidents WHERE incident_id = ANY (CAST(:incident_ids AS text[]))
ORDER BY location_id, dedup_key FOR UPDATE
""")
RETITLE = text("UPDATE incidents SET title = :title WHERE incident_id = :incident_id")
QUOTES = text("""
UPDATE events SET payload = payload || jsonb_build_object('error_message', '')
WHERE incident_id = ANY (CAST(:incident_ids AS text[])) AND kind = 'same_error'
RETURNING event_id
""")
# What is told of a target quotes the subject of what did not reach it.
DELIVERIES = text("""
SELECT delivery_id, subject, content, message_id FROM deliveries
WHERE event_id = ANY (CAST(:event_ids AS text[]))
    OR incident_id = ANY (CAST(:incident_ids AS text[]))
    OR cardinality(CAST(:titles AS text[])) > 0 AND location_id = ''
    AND occasion = 'target' AND EXISTS (
        SELECT FROM unnest(CAST(:titles AS text[])) AS title
        WHERE strpos(content->'facts'->0->>'text', title) > 0
    )
ORDER BY delivery_id FOR UPDATE
""")
REWRITE = text("""
UPDATE deliveries SET subject = left_of.subject, content = left_of.content
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS left_of
    (delivery_id text, subject text, content jsonb)
WHERE deliveries.delivery_id = left_of.delivery_id
""")
MARK = text("""
UPDATE messages SET removal = 'due'
WHERE message_id = ANY (CAST(:message_ids AS text[])) AND removal = ''
""")

# Every attempt sends the same bytes, and one that is under way writes about its message.
DUE = text("""
SELECT message_id FROM messages JOIN targets USING (target_id)
WHERE removal = 'due' AND targets.lease_until <= clock_now() AND NOT EXISTS (
    SELECT FROM deliveries
    WHERE deliveries.message_id = messages.message_id AND deliveries.status = 'pending'
)
ORDER BY target_id, message_id LIMIT :most FOR NO KEY UPDATE OF targets SKIP LOCKED
""")
TARGETS = text("""
UPDATE targets SET last_error = :removed,
    disabled_because = CASE disabled_because WHEN detail THEN :removed ELSE disabled_because END
FROM messages JOIN delivery_attempts USING (message_id)
WHERE message_id = ANY (CAST(:message_ids AS text[])) AND targets.target_id = messages.target_id
    AND code IS NOT NULL AND detail <> '' AND last_error = detail
""")
ANSWERS = text("""
UPDATE deliveries SET last_error = :removed
WHERE message_id = ANY (CAST(:message_ids AS text[])) AND last_code IS NOT NULL
    AND last_error <> ''
""")
ATTEMPTS = text("""
UPDATE delivery_attempts SET detail = :removed
WHERE message_id = ANY (CAST(:message_ids AS text[])) AND code IS NOT NULL AND detail <> ''
""")
_TEXTS = """
    subject = CASE WHEN EXISTS (
        SELECT FROM deliveries JOIN incidents USING (incident_id)
        WHERE deliveries.message_id = {which}
            AND incidents.location_id = '' AND dedup_key LIKE 'err:%'
    ) THEN :removed ELSE subject END,
    body_text = CASE WHEN body_text <> '' THEN :removed ELSE '' END,
    body_html = ''
"""
# A mail is known by the id that it carries: <id@domain>.
_OF_MAIL = "split_part(ltrim(caught_mail.message_id, '<'), '@', 1)"
MAILS = text(f"""
UPDATE caught_mail SET {_TEXTS.format(which=_OF_MAIL)}
WHERE {_OF_MAIL} = ANY (CAST(:message_ids AS text[]))
""")  # noqa: S608  no value is in the text
MESSAGES = text(f"""
UPDATE messages SET {_TEXTS.format(which="messages.message_id")},
    body = CASE WHEN body <> '' THEN convert_to(:removed, 'UTF8') ELSE body END, removal = 'done'
WHERE message_id = ANY (CAST(:message_ids AS text[]))
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Due:
    """A contact to forget now."""

    contact: ContactForgotten
    told_event_ids: Sequence[str]
    """The events that were found the first time."""

    is_last: bool


@dataclass(slots=True)
class Told:
    """What told of the runs of a contact."""

    event_ids: set[str]
    said: set[str] = field(default_factory=set)
    incident_ids: Sequence[str] = ()
    """Those that quote such an error for many locations."""

    titles: Sequence[str] = ()
    """Theirs, as they were."""


async def add(session: AsyncSession, contact: ContactForgotten) -> bool:
    """Notes that a contact is to be forgotten; says whether that was new."""
    given = {
        "event_id": contact.event_id,
        "location_id": contact.location_id,
        "execution_ids": list(contact.execution_ids),
        "run_ids": list(contact.run_ids),
    }
    return (await session.execute(ADD, given)).first() is not None


async def held_due(session: AsyncSession) -> Due | None:
    """Gives a contact to forget now that no other process looks at; None when there is none."""
    row = (await session.execute(NEXT)).first()
    if row is None:
        return None
    contact = ContactForgotten(
        event_id=row.event_id,
        location_id=row.location_id,
        execution_ids=tuple(row.execution_ids),
        run_ids=tuple(row.run_ids),
    )
    return Due(contact, row.told_event_ids, row.is_last)


async def conclude(session: AsyncSession, due: Due, told: Told) -> None:
    """Lets a contact be looked for once more later; after that it is not known any more."""
    which = {"event_id": due.contact.event_id}
    if due.is_last:
        await session.execute(REMOVE, which)
    else:
        given = {**which, "told": sorted(told.event_ids), "again_after": AGAIN_AFTER}
        await session.execute(CONCLUDE, given)


async def redact_events(session: AsyncSession, due: Due) -> Told:
    """Takes out of events what the runs of a contact said; gives which, and what that was."""
    given = {
        "location_id": due.contact.location_id,
        "execution_ids": list(due.contact.execution_ids),
        "run_ids": list(due.contact.run_ids),
        "unfinished": UNFINISHED,
    }
    rows = (await session.execute(EVENTS, given)).all()
    event_ids = {*due.told_event_ids, *(row.event_id for row in rows)}
    return Told(event_ids, {row.said for row in rows if row.said})


async def redact_incidents(session: AsyncSession, told: Told) -> None:
    """Takes it out of the incidents of many locations that quote it; adds them to what told."""
    quoting = sorted(await session.scalars(QUOTING, {"said": sorted(told.said)}))
    if not quoting:
        return
    held = (await session.execute(HELD, {"incident_ids": quoting})).all()
    for row in held:
        without = {"incident_id": row.incident_id, "title": title_without(row.title)}
        await session.execute(RETITLE, without)
    told.event_ids |= set(await session.scalars(QUOTES, {"incident_ids": quoting}))
    told.incident_ids, told.titles = quoting, [row.title for row in held]


async def redact_deliveries(session: AsyncSession, told: Told, run_ids: Collection[str]) -> None:
    """Takes it out of what waits, and marks the messages that were made of it."""
    given = {
        "event_ids": sorted(told.event_ids),
        "incident_ids": list(told.incident_ids),
        "titles": list(told.titles),
    }
    found = (await session.execute(DELIVERIES, given)).all()
    rows = [
        {
            "delivery_id": row.delivery_id,
            "subject": title_without(row.subject),
            "content": row.content and content_without(row.content, run_ids),
        }
        for row in found
    ]
    await session.execute(REWRITE, {"rows": json.dumps(rows)})
    made = [row.message_id for row in found if row.message_id]
    await session.execute(MARK, {"message_ids": made})


async def redact_messages(session: AsyncSession, most: int) -> int:
    """Removes the texts of marked messages that are not sent any more; gives of how many."""
    due = (await session.scalars(DUE, {"most": most})).all()
    if due:
        given = {"message_ids": list(due), "removed": REMOVED}
        for statement in (TARGETS, ANSWERS, MAILS, ATTEMPTS, MESSAGES):
            await session.execute(statement, given)
    return len(due)
