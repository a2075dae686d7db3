"""Counts failures by error and by step, over a window and the one before."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.ingestion.domain.breakdown import (
    Bucket,
    ErrorGroup,
    FailingStep,
    Recurrence,
    Scope,
    Windows,
)

MOST_EXAMPLES = 5
MOST_WORKFLOWS = 10
# What is not in the window is in the one before it: nothing older is looked at.
RECURRENCE = """
    count(*) FILTER (WHERE executed_at >= :split) AS runs,
    count(*) FILTER (WHERE executed_at < :split) AS previous_runs,
    min(executed_at) FILTER (WHERE executed_at >= :split) AS first_at,
    max(executed_at) AS last_at
"""
# A run that went well but for a step that said nothing is no error.
ERRORS = "(status = 'failed' OR error_class <> '')"
BY_GROUP = """
    error_fingerprint = ANY (CAST(:fingerprints AS text[])) AND executed_at >= :split
"""


class Breakdowns:
    """Questions about one location or workflow and two neighbouring windows."""

    def __init__(self, session: AsyncSession, scope: Scope, windows: Windows) -> None:
        self._session = session
        self._given: dict[str, object] = {
            "location_id": scope.location_id,
            "split": windows.start,
            "since": windows.previous_start,
        }
        # Two statements, not one with OR: the planner would forget the index. That no
        # success is an error it only knows when it is said.
        self._where = "location_id = :location_id AND executed_at >= :since AND status <> 'success'"
        if scope.workflow_id:
            self._given["workflow_id"] = scope.workflow_id
            self._where += " AND workflow_id = :workflow_id"

    async def error_groups(self, bucket: Bucket, *, most: int) -> tuple[list[ErrorGroup], int]:
        """Gives the groups with most runs, and how many groups there are."""
        found = await self._rows(
            f"""
            SELECT error_class, error_fingerprint, {RECURRENCE}, count(*) OVER (),
                count(DISTINCT contact_ref) FILTER (WHERE executed_at >= :split)
            FROM execution_logs WHERE {self._where} AND {ERRORS}
            GROUP BY error_class, error_fingerprint
            HAVING count(*) FILTER (WHERE executed_at >= :split) > 0
            ORDER BY runs DESC, last_at DESC, error_fingerprint LIMIT :most
            """,  # noqa: S608  no value is in the text
            most=most,
        )
        fingerprints = [row[1] for row in found]
        examples = await self._examples(fingerprints)
        workflows = await self._workflows(fingerprints)
        buckets = await self._buckets(fingerprints, bucket)
        groups = [
            ErrorGroup(
                error_class=row[0],
                fingerprint=row[1],
                recurrence=_recurrence(row[2:6]),
                sample_message=examples[row[1]][0][1],
                failed_action_name=examples[row[1]][0][2],
                execution_ids=tuple(each[3] for each in examples[row[1]]),
                workflow_count=workflows[row[1]][0][2],
                workflow_ids=tuple(each[1] for each in workflows[row[1]]),
                contact_count=row[7],
                buckets=tuple((each[1], each[2]) for each in buckets[row[1]]),
            )
            for row in found
        ]
        return groups, found[0][6] if found else 0

    async def failing_steps(self, *, most: int) -> tuple[list[FailingStep], int]:
        """Gives the steps with most failures, and how many steps there are."""
        found = await self._rows(
            f"""
            SELECT workflow_id, failed_action_id,
                (array_agg(failed_action_name ORDER BY executed_at DESC, execution_id DESC))[1],
                mode() WITHIN GROUP (ORDER BY error_class) FILTER (WHERE error_class <> ''),
                {RECURRENCE}, count(*) OVER ()
            FROM execution_logs
            WHERE {self._where} AND ({ERRORS} OR failed_action_id <> '' OR failed_action_name <> '')
            GROUP BY workflow_id, failed_action_id,
                CASE WHEN failed_action_id = '' THEN failed_action_name END
            HAVING count(*) FILTER (WHERE executed_at >= :split) > 0
            ORDER BY runs DESC, last_at DESC, workflow_id, failed_action_id LIMIT :most
            """,  # noqa: S608
            most=most,
        )
        steps = [
            FailingStep(
                workflow_id=row[0],
                failed_action_id=row[1],
                failed_action_name=row[2],
                error_class=row[3] or "",
                recurrence=_recurrence(row[4:8]),
            )
            for row in found
        ]
        return steps, found[0][8] if found else 0

    async def _examples(self, fingerprints: Sequence[str]) -> dict[str, list[Any]]:
        rows = await self._rows(
            f"""
            SELECT error_fingerprint, left(error_message, 500), failed_action_name,
                CAST(execution_id AS text)
            FROM (
                SELECT *, row_number() OVER (
                    PARTITION BY error_fingerprint ORDER BY executed_at DESC, execution_id DESC
                ) AS place
                FROM execution_logs WHERE {self._where} AND {ERRORS} AND {BY_GROUP}
            ) AS run
            WHERE place <= {MOST_EXAMPLES} ORDER BY error_fingerprint, place
            """,  # noqa: S608
            fingerprints=fingerprints,
        )
        return _by_first(rows)

    async def _workflows(self, fingerprints: Sequence[str]) -> dict[str, list[Any]]:
        rows = await self._rows(
            f"""
            SELECT error_fingerprint, workflow_id, workflows FROM (
                SELECT error_fingerprint, workflow_id,
                    count(*) OVER (PARTITION BY error_fingerprint) AS workflows,
                    row_number() OVER (
                        PARTITION BY error_fingerprint ORDER BY count(*) DESC, workflow_id
                    ) AS place
                FROM execution_logs WHERE {self._where} AND {ERRORS} AND {BY_GROUP}
                GROUP BY error_fingerprint, workflow_id
            ) AS touched
            WHERE place <= {MOST_WORKFLOWS} ORDER BY error_fingerprint, place
            """,  # noqa: S608
            fingerprints=fingerprints,
        )
        return _by_first(rows)

    async def _buckets(self, fingerprints: Sequence[str], bucket: Bucket) -> dict[str, list[Any]]:
        rows = await self._rows(
            f"""
            SELECT error_fingerprint, date_trunc(:unit, executed_at) AS start, count(*)
            FROM execution_logs WHERE {self._where} AND {ERRORS} AND {BY_GROUP}
            GROUP BY error_fingerprint, start ORDER BY error_fingerprint, start
            """,  # noqa: S608
            fingerprints=fingerprints,
            unit=bucket.value,
        )
        return _by_first(rows)

    async def _rows(self, statement: str, **more: object) -> Sequence[Any]:
        return (await self._session.execute(text(statement), {**self._given, **more})).all()


def _recurrence(row: Sequence[Any]) -> Recurrence:
    count, previous_count, first_seen_at, last_seen_at = row
    return Recurrence(
        count=count,
        previous_count=previous_count,
        first_seen_at=first_seen_at,
        last_seen_at=last_seen_at,
    )


def _by_first(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found = defaultdict[str, list[Any]](list)
    for row in rows:
        found[row[0]].append(row)
    return found
