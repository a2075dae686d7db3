"""Reads single fields of messages."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from google.protobuf.message import Message

from libs import problems
from libs.rpc.times import datetime_from
from services.notifier.domain.text import one_line

LONGEST_ID = 200
LONGEST_NAME = 200
LONGEST_TEXT = 1000
LONGEST_LINE = 200
MOST_LINES = 10
MOST = 10**9


class LocationMissing(problems.InvalidRequest):
    """Give the location_id: 1 to 200 characters, no control characters."""

    reason = "LOCATION_MISSING"


class InstallationHasNone(problems.InvalidRequest):
    """What is about the whole installation names no location and no workflow."""

    reason = "INSTALLATION_HAS_NONE"


class WorkflowMissing(problems.InvalidRequest):
    """Give the workflow_id: 1 to 200 characters, no control characters."""

    reason = "WORKFLOW_MISSING"


class About(Protocol):
    """What names the location it is about."""

    location_id: str


def location_id(given: str, field: str = "location_id") -> str:
    """Reads the location a request is about."""
    if not is_id(given):
        raise LocationMissing.at(field)
    return given


def reach(about: About, field: str = "location_id", *, installation: bool) -> str:
    """Reads which location is meant; nothing for the whole installation."""
    if not installation:
        return location_id(about.location_id, field)
    if about.location_id:
        raise InstallationHasNone.at(field)
    return ""


def workflow_id(given: str, field: str = "workflow_id") -> str:
    """Reads the workflow something is about."""
    if not is_id(given):
        raise WorkflowMissing.at(field)
    return given


def name(given: str) -> str:
    """Reads what is shown on one line and need not be whole: names, ids that only inform."""
    return one_line(given, LONGEST_NAME)


def text(given: str) -> str:
    """Reads what somebody or something said."""
    return one_line(given, LONGEST_TEXT)


def lines(given: Iterable[str], most: int = MOST_LINES) -> tuple[str, ...]:
    """Reads several lines."""
    return tuple(one_line(each, LONGEST_LINE) for each in list(given)[:most])


def count(given: int) -> int:
    """Reads a number of things; there are never fewer than none."""
    return min(max(given, 0), MOST)


def moment(message: Message, field: str) -> datetime | None:
    """Reads a time that may be absent."""
    if not message.HasField(field):
        return None
    return datetime_from(getattr(message, field), field)


def is_id(given: str) -> bool:
    """Says whether a text can be an id of ours or of others."""
    if not given.strip() or len(given) > LONGEST_ID:
        return False
    return given.isprintable() or not any(unicodedata.category(each) == "Cc" for each in given)
