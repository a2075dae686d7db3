"""The keys that make a repeated delivery count once."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from libs.db import arrays
from libs.db.exchange import Answers, Question, Transaction, exchange
from services.ingestion.domain.execution import Key
from services.ingestion.store.forgetting import forget

KEPT = timedelta(days=7)

GIVEN = """
    unnest(
        CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[]),
        CAST($4 AS text[]), CAST($5 AS uuid[])
    ) AS given (location_id, workflow_id, phase, key, execution_id)
"""
# A key that outlived its days, and that no job has removed yet, is free again.
CLAIM = f"""
    INSERT INTO execution_keys AS kept
        (location_id, workflow_id, phase, key, execution_id, recorded_at)
    SELECT given.*, clock_now() FROM {GIVEN}
    ON CONFLICT ON CONSTRAINT execution_keys_pkey DO UPDATE
        SET execution_id = excluded.execution_id, recorded_at = excluded.recorded_at
        WHERE kept.recorded_at <= clock_now() - interval '{KEPT.days} days'
    RETURNING CAST(execution_id AS text)
"""  # noqa: S608  no value is in the text
CLAIM_ALL = f"""
    WITH claimed AS ({CLAIM})
    SELECT guessed_wrong() WHERE (SELECT count(*) FROM claimed) < cardinality(CAST($1 AS text[]))
"""  # noqa: S608
OWNERS = f"""
    SELECT location_id, workflow_id, phase, key, CAST(kept.execution_id AS text)
    FROM {GIVEN} JOIN execution_keys AS kept USING (location_id, workflow_id, phase, key)
"""  # noqa: S608


async def claim(transaction: Transaction, wanted: Mapping[Key, str]) -> dict[Key, str]:
    """Claims keys for execution ids; gives for each key the id it was first recorded under.

    Waits for other transactions that claim the same keys. Claims in the order of
    the keys, or two batches could wait for each other.
    """
    if not wanted:
        return {}
    taken = still_taken(wanted, await exchange(transaction, claiming(wanted)))
    if not taken:
        return dict(wanted)
    owners = (await exchange(transaction, [Question(OWNERS, _given(taken))]))[OWNERS]
    return {**wanted, **{Key(*row[:4]): row[4] for row in owners}}


def claiming(wanted: Mapping[Key, str]) -> list[Question]:
    """Gives the statement that claims keys as `claim` does; none for none."""
    return [Question(CLAIM, _given(wanted))] if wanted else []


def claiming_all(wanted: Mapping[Key, str]) -> list[Question]:
    """Gives the statement that claims keys and refuses when one is taken; none for none."""
    return [Question(CLAIM_ALL, _given(wanted))] if wanted else []


def still_taken(wanted: Mapping[Key, str], answers: Answers) -> dict[Key, str]:
    """Gives the keys that the statement could not claim."""
    claimed = {row[0] for row in answers.get(CLAIM, ())}
    return {key: id_ for key, id_ in wanted.items() if id_ not in claimed}


def _given(wanted: Mapping[Key, str]) -> tuple[str, ...]:
    keys = sorted(wanted)
    return (
        arrays.texts([key.location_id for key in keys]),
        arrays.texts([key.workflow_id for key in keys]),
        arrays.texts([key.phase for key in keys]),
        arrays.texts([key.key for key in keys]),
        arrays.texts([wanted[key] for key in keys]),
    )


async def forget_expired(session: AsyncSession) -> int:
    """Removes some of the keys that outlived their days; gives how many."""
    return await forget(session, "execution_keys", "recorded_at", KEPT)
