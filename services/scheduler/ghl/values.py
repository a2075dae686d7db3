"""What GoHighLevel knows of a location, as far as a scan looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class Identified(Protocol):
    """Something that GoHighLevel gave an id."""

    @property
    def id(self) -> str:
        """The id, unlike any other in its list."""


Item = TypeVar("Item", bound=Identified)


class ApiVersion(StrEnum):
    """What the `Version` header of a call says."""

    CLASSIC = "2021-07-28"
    V3 = "v3"


class Resource(StrEnum):
    """A list or API of GoHighLevel that a token may read, or not."""

    WORKFLOWS = "workflows"
    DEFINITIONS = "workflow definitions"
    LOCATION = "location"
    TAGS = "tags"
    CUSTOM_FIELDS = "custom fields"
    CUSTOM_VALUES = "custom values"
    TEMPLATES = "templates"
    USERS = "users"
    PIPELINES = "pipelines"
    CALENDARS = "calendars"
    FORMS = "forms"
    PHONE_NUMBERS = "phone numbers"
    LOCATION_TOKEN = "location token"  # noqa: S105  the name of a thing, not its value


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A whole list, each id once; `skipped` entries were there and could not be understood.

    Whoever concludes that something is missing from the list looks at `skipped` first.
    """

    items: tuple[Item, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class WorkflowMetadata:
    """All that the public list says of a workflow; `status` is what GoHighLevel wrote there."""

    id: str
    name: str
    status: str
    version: int | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowDefinition:
    """A workflow with its triggers and steps, in GoHighLevel's own shape."""

    workflow_id: str
    version: int | None
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LocationProfile:
    """A location, and the agency it belongs to."""

    id: str
    name: str
    company_id: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that a step can point to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works in the location, or did."""

    id: str
    name: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text that is sent as an SMS or an e-mail."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the location's own; `key` is what a merge field names, like `contact.pincode`."""

    id: str
    name: str
    key: str
    model: str
    data_type: str


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A value of the location's own; the value itself stays with GoHighLevel, for it may be secret.

    `key` is what a merge field names, like `custom_values.booking_link`.
    """

    id: str
    name: str
    key: str
    filled: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline and its stages."""

    id: str
    name: str
    stages: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number of the location; `id` is the number, `sms` whether it can text, if that is known."""

    id: str
    name: str
    sms: bool | None
