"""What all bodies and answers share: names, times, pages."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from gateway.rest import wire

T = TypeVar("T")

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


class Body(BaseModel):
    """What a caller sends: camelCase or snake_case, no unknown fields, no guessing of types."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _in_one_spelling(cls, sent: Any) -> Any:
        for name, field in cls.model_fields.items() if isinstance(sent, dict) else ():
            if field.alias != name and {name, field.alias} <= sent.keys():
                raise ValueError(
                    f"`{field.alias}` and `{name}` are the same field; give one of them."
                )
        return sent

    @field_validator("*")
    @classmethod
    def _in_characters_that_can_be_kept(cls, value: Any) -> Any:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and _UNKEEPABLE.search(each):
                raise ValueError("U+0000 and halves of surrogate pairs are not allowed.")
        return value


def examples(*bodies: JsonDict) -> ConfigDict:
    """Gives the configuration of a body that documents examples of it."""
    return ConfigDict(json_schema_extra={"examples": [*bodies]})


class Answer(BaseModel):
    """What a caller gets: snake_case, absent things as null."""

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _empty_where_null_is_not_allowed(cls, value: Any, info: ValidationInfo) -> Any:
        always_text = cls.model_fields[str(info.field_name)].annotation is str
        return "" if value is None and always_text else value

    @classmethod
    def of(cls, message: Message, **more: object) -> Self:
        """Gives the answer that shows a message, and what more is known."""
        return cls.model_validate({**wire.plain(message), **more})


A = TypeVar("A", bound=Answer)


class Page(Answer, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_page_token: str | None
    """Give it as `page_token` to get the next page; null on the last one."""


def page_of(model: type[A], messages: Iterable[Message], next_page_token: str) -> Page[A]:
    """Gives the page that shows the messages."""
    return Page(
        items=[model.of(each) for each in messages], next_page_token=next_page_token or None
    )


def words(enum: EnumDescriptor) -> Any:
    """Documents which words an answer may carry.

    They are not enforced: a newer service may know more.
    """
    return Field(json_schema_extra={"enum": list(wire.words(enum))})


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("The time must lie between the years 1 and 9999.") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with a zone; `2025-03-01T09:00:00Z`."""
