"""What it means that GoHighLevel did not do what it was asked."""

import re
from dataclasses import dataclass

from libs.problems import Problem
from services.scheduler.ghl.problems import (
    ConnectionExpired,
    GhlAnswerUnreadable,
    GhlNotFound,
    GhlRefused,
    GhlUnavailable,
    NotPermitted,
)
from services.scheduler.ghl.reading import LONGEST_TEXT, Fields, decoded_fields, entries, text
from services.scheduler.ghl.values import Resource
from services.scheduler.ghl.wire import Answer

OK, REDIRECTS = 200, 300
BAD_REQUEST = 400
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMEOUT, TOO_MANY = 401, 403, 404, 408, 429
FAULTS = 500

API_NOT_ENABLED = "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION"
SCOPE_MISSING = "SCOPE_MISSING"
UNNAMED = "FORBIDDEN"

_CODE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_LONG_WORD = re.compile(r"[!-~]{25,}")
_SCOPE = re.compile(r"\bscopes?\b|authclass", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error's body says, whichever of the APIs wrote it."""

    code: str = ""
    said: str = ""


def complaint_in(answer: Answer) -> Complaint:
    """Reads `message` as a text or a list, and v3's `error` object; empty when it is neither."""
    try:
        fields = decoded_fields(answer.body)
    except GhlAnswerUnreadable:
        return Complaint()
    inner = fields.get("error")
    if isinstance(inner, dict):
        fields = inner
    said = _messages(fields)
    named = _CODE.search(text(fields, "code")) or _CODE.search(said)
    return Complaint(named.group() if named else "", said)


def succeeded(answer: Answer) -> bool:
    """Tells whether the body is what was asked for."""
    return OK <= answer.status < REDIRECTS


def token_refused(answer: Answer) -> bool:
    """Tells whether another token of the same rights would do.

    GoHighLevel says 401 of a token that lacks a scope, too; a fresh one lacks it as well.
    """
    return answer.status == UNAUTHORIZED and not _SCOPE.search(complaint_in(answer).said)


def problem_of(answer: Answer, resource: Resource) -> Problem:
    """Gives the problem that an answer other than success stands for."""
    if token_refused(answer):
        return ConnectionExpired()
    complaint = complaint_in(answer)
    if answer.status in (UNAUTHORIZED, FORBIDDEN):
        missing = SCOPE_MISSING if _SCOPE.search(complaint.said) else UNNAMED
        return _not_permitted(resource, complaint.code or missing)
    if answer.status == NOT_FOUND:
        return GhlNotFound(resource=resource)
    if answer.status < BAD_REQUEST or answer.status >= FAULTS or answer.status == TIMEOUT:
        return GhlUnavailable(status=answer.status)
    return GhlRefused(
        f"GoHighLevel did not accept the call ({answer.status}): {complaint.said or 'no reason'}",
        status=answer.status,
        code=complaint.code,
    )


def _not_permitted(resource: Resource, code: str) -> NotPermitted:
    if code == API_NOT_ENABLED:
        advice = "GoHighLevel has not switched its workflow API on for this location."
    elif code == SCOPE_MISSING:
        advice = f"The token lacks the scope for {resource}; add it in GoHighLevel."
    else:
        advice = f"GoHighLevel does not let the token of this location read {resource}."
    return NotPermitted(advice, resource=resource, code=code)


def _messages(fields: Fields) -> str:
    message = fields.get("message")
    candidates = (message, *entries(message), fields.get("error_description"))
    told = [each for each in candidates if isinstance(each, str)]
    # A long word may be the token that was refused; a code never is.
    safe = _LONG_WORD.sub(_code_or_nothing, " ".join("; ".join(told).split()))
    return safe[:LONGEST_TEXT]


def _code_or_nothing(word: re.Match[str]) -> str:
    code = _CODE.search(word.group())
    return code.group() if code else "…"
