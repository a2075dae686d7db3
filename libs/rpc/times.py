"""Datetimes and timedeltas as the contracts carry them."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from libs import problems


class TimeOutOfRange(problems.InvalidRequest):
    """The time must lie between the years 1 and 9999."""

    reason = "TIME_OUT_OF_RANGE"


def timestamp(at: datetime | None) -> Timestamp | None:
    """Gives the message for a time; None stays None, and the constructor leaves the field out."""
    if at is None:
        return None
    message = Timestamp()
    message.FromDatetime(at)
    return message


def datetime_from(message: Timestamp, field: str) -> datetime:
    """Reads a time; `field` names it in the problem when it is out of range."""
    try:
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise TimeOutOfRange.at(field) from error


def duration(span: timedelta | None) -> Duration | None:
    """Gives the message for a duration; None stays None."""
    if span is None:
        return None
    message = Duration()
    message.FromTimedelta(span)
    return message


def timedelta_from(message: Duration, field: str) -> timedelta:
    """Reads a duration; `field` names it in the problem when it is out of range."""
    try:
        return message.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise TimeOutOfRange.at(field, "The duration is too long.") from error
