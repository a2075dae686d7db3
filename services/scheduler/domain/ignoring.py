"""Findings that somebody decided to live with, and for how long."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from libs import problems
from services.scheduler.domain.finding import Finding


class IgnoreReasonMissing(problems.InvalidRequest):
    """Say why the finding is ignored: whoever reads it next has to know."""

    reason = "IGNORE_REASON_MISSING"


class IgnoreEndsInThePast(problems.InvalidRequest):
    """Choose a time that is still to come, or leave it out to ignore the finding for ever."""

    reason = "IGNORE_ENDS_IN_THE_PAST"


class WorkflowVersionUnknown(problems.WrongState):
    """The workflow's version is not known; ignore the finding until a date, or for ever."""

    reason = "WORKFLOW_VERSION_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """That a finding is ignored: why, who said so, when, and until when.

    Without `until` and `workflow_version` it is for ever; with both, whichever comes first.
    """

    fingerprint: str
    reason: str
    ignored_by: str
    ignored_at: datetime
    until: datetime | None = None
    workflow_version: int | None = None
    """The version of the workflow it is for: another one ends it."""

    def holds(self, at: datetime, version: int | None) -> bool:
        """Says whether it still holds; a version that is not known is not known to have changed."""
        if self.until is not None and self.until <= at:
            return False
        return None in (self.workflow_version, version) or self.workflow_version == version


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignoring:
    """That a finding shall be ignored: why, who says so, until when."""

    reason: str
    actor: str
    until: datetime | None
    until_version_changes: bool


class Ignores:
    """The findings of a location that are ignored at one time."""

    def __init__(self, ignores: Iterable[Ignore], at: datetime) -> None:
        self._by_fingerprint = {each.fingerprint: each for each in ignores}
        self._at = at

    def cover(self, finding: Finding, version: int | None) -> bool:
        """Says whether a finding of a workflow in this version is ignored."""
        ignore = self._by_fingerprint.get(finding.fingerprint)
        return ignore is not None and ignore.holds(self._at, version)
