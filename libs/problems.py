"""The problems a caller can be told about, whatever carried the call.

Raise a subclass named for the fact from translate, domain, actions or store.
`libs.rpc.status` turns it into a gRPC status or an HTTP answer on the way out,
and back into the same kind on the way in, so a `NotFound` three hops down is
still a `NotFound` here. Anything else that is raised is a bug, and the caller
is told only that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

LONGEST_FACT = 200
MOST_FIELDS = 10
"""Details travel as metadata, which gRPC limits to some 8 kB in all."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request, and what to do about it."""

    field: str
    message: str


class Problem(Exception):
    """Something the caller can understand and act on."""

    reason: str = "PROBLEM"

    def __init__(
        self,
        message: str | None = None,
        /,
        *,
        fields: Sequence[FieldError] = (),
        retry_after: timedelta | None = None,
        **facts: object,
    ) -> None:
        """Takes the message for people (default: the class's docstring) and its facts.

        `facts` are whatever is variable in the text, for programs.
        """
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.fields = tuple(fields[:MOST_FIELDS])
        self.retry_after = retry_after
        self.facts = {name: str(fact)[:LONGEST_FACT] for name, fact in facts.items()}

    @property
    def message(self) -> str:
        return str(self.args[0])


class InvalidRequest(Problem):
    """The request is malformed, whatever the state of the system."""

    reason = "INVALID_REQUEST"

    @classmethod
    def at(cls, field: str, message: str | None = None) -> "InvalidRequest":
        """Gives the problem of one field."""
        problem = cls(message)
        problem.fields = (FieldError(field, problem.message),)
        return problem


class Unauthenticated(Problem):
    """The caller did not prove who it is."""

    reason = "UNAUTHENTICATED"


class Forbidden(Problem):
    """The caller may not do this."""

    reason = "FORBIDDEN"


class NotFound(Problem):
    """The thing asked for does not exist."""

    reason = "NOT_FOUND"


class AlreadyExists(Problem):
    """A thing with this name exists already."""

    reason = "ALREADY_EXISTS"


class WrongState(Problem):
    """The state of the system forbids this until something else changes."""

    reason = "WRONG_STATE"


class Overtaken(Problem):
    """Somebody else changed the same thing meanwhile; read it again and repeat."""

    reason = "CHANGED_MEANWHILE"


class TooMany(Problem):
    """A limit is reached; try again later."""

    reason = "RATE_LIMITED"


class Unavailable(Problem):
    """A part of the system did not answer; the same call may work later."""

    reason = "UNAVAILABLE"


class OutOfTime(Problem):
    """The answer was not ready before the deadline."""

    reason = "DEADLINE_EXCEEDED"


class CallerLeft(Problem):
    """The caller left before the answer."""

    reason = "CANCELLED"


class Broken(Problem):
    """Internal error."""

    reason = "INTERNAL"


class CannotStart(Exception):
    """A program cannot start; the message says what to do. Not for callers: there are none yet."""
