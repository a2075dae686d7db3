"""What somebody wants to hear nothing of for a while."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from libs import problems
from services.notifier.domain.event import Kind, Severity
from services.notifier.domain.scope import Scope

LONGEST = timedelta(days=90)
NEVER = datetime.fromtimestamp(0, UTC)


class SilenceNotFound(problems.NotFound):
    """The location has no such silence."""

    reason = "SILENCE_NOT_FOUND"


class SilenceOutOfRange(problems.InvalidRequest):
    """A silence ends in the future, at most 90 days from now."""

    reason = "SILENCE_OUT_OF_RANGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Suppresses what it covers until it ends; who made it and why stays on record."""

    silence_id: str
    scope: Scope
    kinds: tuple[Kind, ...] = ()
    """Only these; any when there are none."""

    up_to: Severity = Severity.CRITICAL
    """Only what is at most so severe."""

    reason: str
    created_by: str
    ends_at: datetime = NEVER
    created_at: datetime | None = None
    expired_by: str = ""
    """Who ended it early."""

    suppressed_count: int = 0
    """How many messages it suppressed."""

    def covers(self, scope: Scope, kind: Kind, severity: Severity) -> bool:
        """Says whether such events are silenced in a scope."""
        return (
            self.scope in scope.path
            and (not self.kinds or kind in self.kinds)
            and not severity.exceeds(self.up_to)
        )


def check_end(now: datetime, ends_at: datetime | None) -> datetime:
    """Gives when a silence ends; refuses one that would not begin, or hardly end."""
    if ends_at is None or not now < ends_at <= now + LONGEST:
        raise SilenceOutOfRange.at("ends_at")
    return ends_at
