"""Runs that began and were not reported to end: open, until they end or are given up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from libs import problems
from services.ingestion.domain.execution import (
    LONGEST_PAST,
    ExecutedAtOutOfRange,
    Report,
    Source,
    Status,
)

HOUR = timedelta(hours=1)


class RunIdMissing(problems.InvalidRequest):
    """Give the run an id of your own, and the same one when it ends."""

    reason = "RUN_ID_MISSING"


class RunKey(NamedTuple):
    """Names an open run; sorts the way they are locked."""

    location_id: str
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that began."""

    key: RunKey
    workflow_name: str
    started_at: datetime
    source: Source
    contact_ref: str | None = None

    def given_up(self, limit: timedelta) -> Report:
        """Gives the failure that it becomes when nobody reported its end within the limit."""
        return Report(
            location_id=self.key.location_id,
            workflow_id=self.key.workflow_id,
            workflow_name=self.workflow_name,
            status=Status.FAILED,
            error_message=f"No end of the run was reported within {limit // HOUR} hours.",
            never_finished=True,
            executed_at=self.started_at + limit,
            run_id=self.key.run_id,
            idempotency_key=self.key.run_id,
            source=self.source,
            contact_ref=self.contact_ref,
        )


class Overdue(NamedTuple):
    """A run that is open for longer than its workflow's limit."""

    run: OpenRun
    limit: timedelta

    def given_up(self) -> Report:
        """Gives the failure that it becomes."""
        return self.run.given_up(self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a caller says of a run that began."""

    key: RunKey
    workflow_name: str
    started_at: datetime | None
    source: Source
    contact_id: str = ""

    @property
    def location_id(self) -> str:
        return self.key.location_id

    def dated(self, at: datetime) -> "Start":
        """Gives the same as of a time, unless it says its own."""
        return replace(self, started_at=self.started_at or at)

    def opened(self, now: datetime, contact_ref: str | None = None) -> OpenRun:
        """Gives the run to keep open; one that is ahead of our clock began now."""
        started_at = min(self.started_at or now, now)
        if started_at < now - LONGEST_PAST:
            raise ExecutedAtOutOfRange.at("executed_at")
        return OpenRun(
            key=self.key,
            workflow_name=self.workflow_name,
            started_at=started_at,
            source=self.source,
            contact_ref=contact_ref,
        )
