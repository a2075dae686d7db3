"""What a scan tries to read of HighLevel, and what came of that."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.scheduler.domain.connection import Unreadable
from services.scheduler.ghl.problems import (
    ConnectionExpired,
    GhlNotFound,
    GhlRefused,
    GhlUnavailable,
    NotPermitted,
    RateLimited,
)
from services.scheduler.ghl.values import Resource

T = TypeVar("T")

MOST_FAILURES = 3
"""After so many calls in a row without an answer, HighLevel is left alone in this scan."""


class Attempts:
    """Tries one reading after the other, and stops when there is no point in going on.

    `expired` and `cut_short` say why, `unreadable` what the token may not read at all.
    """

    def __init__(self) -> None:
        self.expired: ConnectionExpired | None = None
        self.unreadable: dict[str, Unreadable] = {}
        self._missed: dict[str, str] = {}
        self._stopped = ""
        self._failures = 0

    @property
    def stopped(self) -> bool:
        """Whether nothing more is asked for."""
        return bool(self._stopped)

    async def of(self, what: str, read: Callable[[], Awaitable[T]]) -> T | None:
        """Gives what was read; None when it could not be, which is then noted."""
        if self._stopped:
            self._missed[what] = self._stopped
            return None
        try:
            found = await read()
        except ConnectionExpired as problem:
            self.expired = problem
            self._stop(what, problem.message)
        except NotPermitted as problem:
            self._refused(problem)
        except GhlNotFound:
            return None
        except RateLimited as problem:
            self._stop(what, problem.message)
        except (GhlUnavailable, GhlRefused) as problem:
            self._missed[what] = problem.message
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._stop(what, problem.message)
        else:
            self._failures = 0
            return found
        return None

    def stop(self, problem: ConnectionExpired | GhlRefused) -> None:
        """Notes that nothing can be read at all."""
        if isinstance(problem, ConnectionExpired):
            self.expired = problem
        self._stop("workflows", problem.message)

    def refusal_of(self, resource: Resource) -> str:
        """Gives why something may not be read, for people; empty when it may."""
        refused = self.unreadable.get(resource)
        return f"{refused.message} ({refused.code})" if refused else ""

    @property
    def cut_short(self) -> str:
        """Says what could not be read this time, and why; empty when all could that may be."""
        reasons = dict.fromkeys(self._missed.values())
        return " ".join(
            f"{reason} Not read: {_listed([w for w, why in self._missed.items() if why == reason])}."
            for reason in reasons
        )

    def count(self, what: str, missed: int, total: int) -> None:
        """Says how many of something could not be read, if any could not this time."""
        if missed and (why := self._missed.pop(what, self._stopped)):
            self._missed[f"{missed} of {total} {what}"] = why

    def _refused(self, problem: NotPermitted) -> None:
        self.unreadable[problem.resource] = Unreadable(
            problem.resource, problem.code, problem.message
        )

    def _stop(self, what: str, reason: str) -> None:
        self._stopped = reason
        self._missed[what] = reason


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
