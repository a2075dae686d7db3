"""Writes down what came of attempts: many at once, in one transaction.

The target is locked first, by the lease that whoever sent must still have; then
what it was sent changes. Targets are taken in the order of their ids, so that no
two processes wait for each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Question, exchange
from services.notifier.domain.decision import Suppression
from services.notifier.domain.delivery import LARGEST_ANSWER, Attempt, DeliveryStatus
from services.notifier.domain.retry import (
    WORN_OUT_FAILURES,
    Fate,
    Outcome,
    Verdict,
    worn_out,
)
from services.notifier.domain.target import Target
from services.notifier.domain.text import cut_to_bytes
from services.notifier.store import deliveries, holds, targets
from services.notifier.store.now import now

# A new address need not pause; a pause that lasts goes on.
_END = f"""
    UPDATE targets SET
        lease_until = {targets.EPOCH}, lease_token = NULL,
        next_at = greatest(next_at, clock_now()
            + CASE WHEN targets.address = ended.address THEN pause ELSE interval '0' END),
        failing_since = CASE WHEN delivered THEN NULL
            WHEN failed THEN coalesce(failing_since, clock_now()) ELSE failing_since END,
        failures = CASE WHEN delivered THEN 0 WHEN failed THEN failures + 1 ELSE failures END,
        last_error = CASE WHEN delivered THEN '' WHEN failed THEN error ELSE last_error END,
        last_delivered_at = CASE WHEN delivered THEN clock_now() ELSE last_delivered_at END,
        sent_month = CASE WHEN delivered THEN this_month ELSE sent_month END,
        sent_count = CASE WHEN NOT delivered THEN sent_count
            WHEN sent_month = this_month THEN sent_count + 1 ELSE 1 END
    FROM unnest(
            CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[]), CAST($4 AS interval[]),
            CAST($5 AS boolean[]), CAST($6 AS boolean[]), CAST($7 AS text[])
        ) AS ended (target_id, token, address, pause, delivered, failed, error),
        CAST(date_trunc('month', clock_now() AT TIME ZONE 'UTC') AS date) AS this_month
    WHERE targets.target_id = ended.target_id AND lease_token = token
    RETURNING token, {", ".join(f"targets.{each.key}" for each in targets.COLUMNS)}
"""  # noqa: S608  no value is in the text
_ADD_ATTEMPTS = """
    INSERT INTO delivery_attempts
        (message_id, verdict, code, detail, charged, elapsed_ms, ended_at)
    SELECT message_id, verdict, code, detail, charged, elapsed_ms, clock_now()
    FROM unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS integer[]), CAST($4 AS text[]),
        CAST($5 AS boolean[]), CAST($6 AS integer[])
    ) AS ended (message_id, verdict, code, detail, charged, elapsed_ms)
"""
# What arrived, arrived, also when it was suppressed while it was under way. Else
# what was suppressed meanwhile stays so.
_CONCLUDE = f"""
    UPDATE deliveries SET
        status = CASE WHEN delivered THEN '{DeliveryStatus.DELIVERED}'
            WHEN status <> '{DeliveryStatus.PENDING}' THEN status
            WHEN wait IS NULL THEN '{DeliveryStatus.FAILED}' ELSE status END,
        next_attempt_at = CASE WHEN delivered THEN NULL
            WHEN status <> '{DeliveryStatus.PENDING}' THEN next_attempt_at
            ELSE clock_now() + wait END,
        suppressed_because = CASE WHEN delivered THEN '' ELSE suppressed_because END,
        delivered_at = CASE WHEN delivered THEN clock_now() ELSE delivered_at END,
        attempts = attempts + CAST(charged AS integer),
        last_error = CASE WHEN delivered THEN '' ELSE detail END,
        last_code = code
    FROM unnest(
        CAST($1 AS text[]), CAST($2 AS boolean[]), CAST($3 AS interval[]),
        CAST($4 AS integer[]), CAST($5 AS text[]), CAST($6 AS boolean[])
    ) AS ended (message_id, delivered, wait, code, detail, charged)
    WHERE deliveries.message_id = ended.message_id
"""  # noqa: S608


Lease = tuple[str, str]
"""A target and its token."""


async def settle(session: AsyncSession, attempts: Sequence[Attempt]) -> Mapping[Lease, Fate]:
    """Writes attempts and their consequences, and ends their leases.

    Gives what becomes of the message of each lease now; leases that were lost are
    missing, and nothing is written of them.
    """
    ends = [
        _End(each.claim.target, each.claim.lease_token, each.fate.pause, each.outcome)
        for each in attempts
    ]
    there = await _ended(session, ends)
    settled = [
        await _bound(session, each, there[each.claim.lease])
        for each in attempts
        if each.claim.lease in there
    ]
    if settled:
        await exchange(session, [_adding(settled), _concluding(settled)])
    for each in settled:
        await _follow(session, each)
    return {each.claim.lease: each.fate for each in settled}


async def hand_back(
    session: AsyncSession, leased: Sequence[Target], token: str, pause: timedelta = timedelta(0)
) -> None:
    """Ends leases without an attempt; then the targets are left alone for a while."""
    await _ended(session, [_End(each, token, pause) for each in leased])


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a lease; the outcome of the attempt, if there was one, is the target's health."""

    target: Target
    token: str
    pause: timedelta
    outcome: Outcome | None = None

    @property
    def delivered(self) -> bool:
        return self.outcome is not None and self.outcome.verdict is Verdict.DELIVERED

    @property
    def failed(self) -> bool:
        # What was held was not even asked.
        good = (Verdict.DELIVERED, Verdict.HELD)
        return self.outcome is not None and self.outcome.verdict not in good


async def _ended(session: AsyncSession, ends: Sequence[_End]) -> Mapping[Lease, Target]:
    """Ends leases; gives the targets, as they are now, of those that were not lost."""
    if not ends:
        return {}
    ordered = sorted(ends, key=lambda each: each.target.target_id)
    given = [
        arrays.texts([each.target.target_id for each in ordered]),
        arrays.texts([each.token for each in ordered]),
        arrays.texts([each.target.address for each in ordered]),
        arrays.spans([each.pause for each in ordered]),
        arrays.flags([each.delivered for each in ordered]),
        arrays.flags([each.failed for each in ordered]),
        arrays.texts([_said(each.outcome) if each.outcome else "" for each in ordered]),
    ]
    answers = await exchange(session, [Question(_END, given)])
    there = [(targets.target_of(values), token) for token, *values in answers[_END]]
    return {(target.target_id, token): target for target, token in there}


async def _bound(session: AsyncSession, attempt: Attempt, target: Target) -> Attempt:
    """Gives an attempt with what becomes of it at a target as that is now."""
    if target.address != attempt.claim.target.address:
        # It was changed meanwhile; what the old one said does not bind the new one.
        return replace(attempt, fate=Fate(wait=timedelta(0)))
    failures = target.health.failures
    if failures >= WORN_OUT_FAILURES and worn_out(target.health, await now(session)):
        return replace(attempt, fate=replace(attempt.fate, disables_target=True))
    return attempt


async def _follow(session: AsyncSession, attempt: Attempt) -> None:
    """Writes what an attempt means for more than its message."""
    target = attempt.claim.target
    if attempt.fate.disables_target:
        await targets.disable(session, target.target_id, attempt.outcome.detail)
        await deliveries.suppress_waiting_for(
            session, target.target_id, Suppression.TARGET_DISABLED
        )
    if attempt.fate.holds_channel:
        await holds.hold(session, target.channel)


def _adding(attempts: Sequence[Attempt]) -> Question:
    return Question(
        _ADD_ATTEMPTS,
        [
            arrays.texts([each.claim.message_id for each in attempts]),
            arrays.texts([each.outcome.verdict for each in attempts]),
            arrays.numbers([each.outcome.code for each in attempts]),
            arrays.texts([_said(each.outcome) for each in attempts]),
            arrays.flags([each.fate.charged for each in attempts]),
            arrays.numbers([each.elapsed_ms for each in attempts]),
        ],
    )


def _concluding(attempts: Sequence[Attempt]) -> Question:
    return Question(
        _CONCLUDE,
        [
            arrays.texts([each.claim.message_id for each in attempts]),
            arrays.flags([each.outcome.verdict is Verdict.DELIVERED for each in attempts]),
            arrays.spans([each.fate.wait for each in attempts]),
            arrays.numbers([each.outcome.code for each in attempts]),
            arrays.texts([_said(each.outcome) for each in attempts]),
            arrays.flags([each.fate.charged for each in attempts]),
        ],
    )


def _said(outcome: Outcome) -> str:
    return cut_to_bytes(outcome.detail, LARGEST_ANSWER)
