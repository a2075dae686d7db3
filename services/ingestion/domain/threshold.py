"""When a workflow fails too often, and when that is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from services.ingestion.domain.change import WorkflowChange


class Threshold(Struct, frozen=True):
    """How many failures within how many hours make an alert."""

    failure_threshold: int
    time_window_hours: int
    alerts_enabled: bool = True
    """Told to who asks; counting does not depend on it, the notifier decides."""

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.time_window_hours)

    def with_failures(self, failures: int | None) -> "Threshold":
        """Gives the same with another number of failures; None leaves it."""
        return self if failures is None else replace(self, failure_threshold=failures)


@dataclass(frozen=True, slots=True)
class ToldThreshold:
    """A threshold as the notifier told it, of a workflow, or of all others of its location.

    Of no location: what holds for all others.
    """

    location_id: str
    workflow_id: str
    threshold: Threshold
    updated_at: datetime


class Tally(Struct, frozen=True):
    """The failures of a workflow in the window of its threshold."""

    threshold: Threshold
    failure_count: int
    first_failure_at: datetime | None
    last_failure_at: datetime | None

    @property
    def exceeded(self) -> bool:
        return self.failure_count >= self.threshold.failure_threshold


class Evidence(Struct, frozen=True):
    """What an alert says of a workflow's failures beside their number."""

    execution_ids: tuple[str, ...]
    """The newest, newest first, at most 5; the rest is of the first of them."""
    failed_action_name: str
    error_message: str
    error_class: str
    error_fingerprint: str = ""
    last_change: WorkflowChange | None = None
    """The newest change of the workflow before its newest failure."""
    first_since_change: datetime | None = None
    """The first failure since that change."""


class Standing(Struct, frozen=True):
    """What was told of a workflow, kept between its batches."""

    failing: bool = False
    """At or over its threshold as of its last run."""

    recovery_due: bool = False
    """The notifier was told that it fails, and not yet that it recovered.

    Not the same as failing: when the threshold is raised, or the failures grow
    too old, a workflow is no longer failing, and its open incident still waits
    for a success.
    """

    untold_failures: int = 0
    """Failures that no event has carried yet."""

    finish_due: bool = False
    """The notifier was told that runs never finished, and not yet that one finished again."""

    def is_kept_by(self, *, failures: int, succeeded: bool) -> bool:
        """Says whether runs leave it as it is, but for the failures that are still to be told.

        Of whom it was told that it fails, more of the same is no news. Whoever
        fails otherwise must be counted, and a success may be one that is due.
        """
        if self.finish_due:
            return False
        if failures:
            return self.failing and self.recovery_due and not succeeded
        return not self.recovery_due

    def after_failures(self, tally: Tally, *, new: int) -> tuple["Standing", int | None]:
        """Gives the standing after failures in the window, and how many to tell as new.

        None: tell nothing. The event that reaches the threshold carries the
        failures that led to it, so that all events together carry each once.
        """
        untold = self.untold_failures + new
        if not tally.exceeded:
            return replace(self, failing=False, untold_failures=untold), None
        # Those that grew too old for the window are not told any more.
        return self._told(), min(untold, tally.failure_count)

    def after_change(self, tally: Tally, *, succeeded_since: bool) -> tuple["Standing", int | None]:
        """Gives the same after the threshold changed; what was told already is not told again.

        A workflow that succeeded after its last failure is over it, whatever
        its count. One that falls below the new threshold stops failing silently.
        """
        if not tally.exceeded:
            return replace(self, failing=False), None
        if self.failing or succeeded_since:
            return self, None
        if not self.recovery_due:
            return self._told(), tally.failure_count
        new_failures = min(self.untold_failures, tally.failure_count)
        return self._told(), new_failures or None

    def after_recovery(self) -> "Standing":
        """Gives the standing after a success that is newer than every failure."""
        return replace(self, failing=False, recovery_due=False)

    def after_finish(self) -> "Standing":
        """Gives the standing after a run that ended when others had never done so."""
        return replace(self, finish_due=False)

    def _told(self) -> "Standing":
        """Gives the standing when an event about its failures was just written."""
        return replace(self, failing=True, recovery_due=True, untold_failures=0)
