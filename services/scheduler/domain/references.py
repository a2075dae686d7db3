"""The lists of things that steps and triggers of a location can point to."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from services.scheduler.domain.definition.location import tag_name

MERGE_BRACES = "{} \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The lists of a location, each whole, or `None` when it could not be read whole.

    Whoever fills it gives `None` also for a list in which entries were skipped: what is missing
    from a list with gaps may well exist.
    """

    tags: frozenset[str] | None = None
    """Names of the tags."""
    forms: frozenset[str] | None = None
    """Ids of the forms."""
    calendars: frozenset[str] | None = None
    """Ids of the calendars."""
    pipelines: frozenset[str] | None = None
    """Ids of the pipelines."""
    stages: frozenset[str] | None = None
    """Ids of the stages of all pipelines."""
    users: frozenset[str] | None = None
    """Ids of the users."""
    templates: frozenset[str] | None = None
    """Ids of the SMS and e-mail templates."""
    workflows: frozenset[str] | None = None
    """Ids of the workflows, drafts included."""
    custom_fields: frozenset[str] | None = None
    """Ids and keys (`contact.pincode`) of the custom fields."""
    custom_values: Mapping[str, bool] | None = None
    """By key (`custom_values.booking_link`), whether the value is filled in."""

    def __post_init__(self) -> None:
        if self.tags is not None:
            object.__setattr__(self, "tags", frozenset(map(tag_name, self.tags)))
        if self.custom_fields is not None:
            known = frozenset(each.strip(MERGE_BRACES) for each in self.custom_fields)
            object.__setattr__(self, "custom_fields", known)
        if self.custom_values is not None:
            filled = {key.strip(MERGE_BRACES): full for key, full in self.custom_values.items()}
            object.__setattr__(self, "custom_values", filled)

    @property
    def unread(self) -> tuple[str, ...]:
        """The lists that are not there."""
        return tuple(
            each.name.replace("_", " ") for each in fields(self) if getattr(self, each.name) is None
        )
