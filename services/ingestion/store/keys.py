"""The keys that make a repeated delivery count once."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.execution import Key
from services.ingestion.store.forgetting import forget

KEPT = timedelta(days=7)

GIVEN = """
    unnest(
        CAST(:location_ids AS text[]), CAST(:workflow_ids AS text[]), CAST(:phases AS text[]),
        CAST(:keys AS text[]), CAST(:execution_ids AS uuid[])
    ) AS given (location_id, workflow_id, phase, key, execution_id)
"""
# A key that outlived its days, and that no job has removed yet, is free again.
CLAIM = text(f"""
    INSERT INTO execution_keys AS kept
        (location_id, workflow_id, phase, key, execution_id, recorded_at)
    SELECT given.*, clock_now() FROM {GIVEN}
    ON CONFLICT ON CONSTRAINT execution_keys_pkey DO UPDATE
        SET execution_id = excluded.execution_id, recorded_at = excluded.recorded_at
        WHERE kept.recorded_at <= clock_now() - CAST(:kept AS interval)
    RETURNING CAST(execution_id AS text)
""")  # noqa: S608  no value is in the text
OWNERS = text(f"""
    SELECT location_id, workflow_id, phase, key, CAST(kept.execution_id AS text)
    FROM {GIVEN} JOIN execution_keys AS kept USING (location_id, workflow_id, phase, key)
""")  # noqa: S608


async def claim(session: AsyncSession, wanted: Mapping[Key, str]) -> dict[Key, str]:
    """Claims keys for execution ids; gives for each key the id it was first recorded under.

    Waits for other transactions that claim the same keys. Claims in the order
    of the keys, or two batches could wait for each other.
    """
    if not wanted:
        return {}
    claimed = set(await session.scalars(CLAIM, {**_given(wanted), "kept": KEPT}))
    taken = {key: id_ for key, id_ in wanted.items() if id_ not in claimed}
    if not taken:
        return dict(wanted)
    owners = {Key(*row[:4]): row[4] for row in await session.execute(OWNERS, _given(taken))}
    return {**wanted, **owners}


def _given(wanted: Mapping[Key, str]) -> dict[str, object]:
    keys = sorted(wanted)
    return {
        "location_ids": [key.location_id for key in keys],
        "workflow_ids": [key.workflow_id for key in keys],
        "phases": [key.phase for key in keys],
        "keys": [key.key for key in keys],
        "execution_ids": [wanted[key] for key in keys],
    }


async def forget_expired(session: AsyncSession) -> int:
    """Removes some of the keys that outlived their days; gives how many."""
    return await forget(session, "execution_keys", "recorded_at", KEPT)
