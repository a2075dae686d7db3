"""The services' messages as plain values, and back."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs.rpc import times

LARGEST_INT32 = 2**31 - 1
MOST_HOURS = 1_000_000


def plain(message: Message) -> dict[str, Any]:
    """Gives a message's fields by name: what is absent or empty as None.

    Times are datetimes, durations are seconds, enums are their words.
    """
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def word(descriptor: EnumDescriptor, number: int) -> str | None:
    """Gives the short lower-case word of an enum's value; None for "not given"."""
    if number == 0:
        return None
    value = descriptor.values_by_number.get(number)
    # A newer service may know more words than this gateway.
    return value.name.removeprefix(_prefix(descriptor)).lower() if value else "unknown"


def words(descriptor: EnumDescriptor) -> tuple[str, ...]:
    """Gives all words of an enum."""
    prefix = _prefix(descriptor)
    return tuple(
        value.name.removeprefix(prefix).lower() for value in descriptor.values if value.number
    )


def number(descriptor: EnumDescriptor, word: str | None) -> Any:
    """Gives the enum's value for a word; "not given" for None."""
    if word is None:
        return 0
    return descriptor.values_by_name[_prefix(descriptor) + word.upper()].number


def int32(given: int) -> int:
    """Gives the nearest number a message can hold, so that its service refuses what is too much."""
    return max(-LARGEST_INT32, min(given, LARGEST_INT32))


def int32_or_none(given: int | None) -> int | None:
    """Gives the same; None stays None."""
    return None if given is None else int32(given)


def hours(given: int) -> Duration:
    """Gives a window as a message; the service refuses what is too long."""
    return Duration(seconds=3600 * max(-MOST_HOURS, min(given, MOST_HOURS)))


def timestamp(at: datetime | None) -> Timestamp | None:
    """Gives the message for a time; None stays None."""
    return times.timestamp(at)


def _prefix(descriptor: EnumDescriptor) -> str:
    return descriptor.values_by_number[0].name.removesuffix("UNSPECIFIED")


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        return [_value(each, field) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC)
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    if isinstance(value, Message):
        return plain(value)
    if field.enum_type is not None:
        return word(field.enum_type, value)
    return None if value == "" else value
