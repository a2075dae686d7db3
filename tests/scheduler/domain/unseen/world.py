"""What the location of an agency has: the lists that steps and triggers point to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from services.scheduler.domain.references import References
from tests.scheduler.domain.unseen.drawing import an_id

ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
TAGS = (
    "lead", "hot lead", "cold", "vip", "new-patient", "cliente", "interessent", "no show",
    "booked", "quote sent", "won", "lost", "newsletter", "webinar 2026", "facebook ad",
    "abandoned", "reviewed", "do-not-call", "trial", "paid",
)  # fmt: skip
FIELDS = ("contact.pet_name", "contact.roof_size", "contact.plan", "contact.date_of_visit")
VALUES = ("booking_link", "review_link", "company_address", "crm_key", "team_phone")
SENDING_VALUES = {f"custom_values.{each}": True for each in VALUES}


def short_id(random: Random) -> str:
    """Gives an id as HighLevel gives to forms, calendars and users."""
    return "".join(random.choices(ALPHABET, k=20))


@dataclass
class World:
    """A location, and which of its things are already waited for."""

    random: Random
    tags: list[str] = field(init=False)
    forms: list[str] = field(init=False)
    calendars: list[str] = field(init=False)
    users: list[str] = field(init=False)
    templates: list[str] = field(init=False)
    pipelines: dict[str, list[str]] = field(init=False)
    workflows: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tags = list(TAGS)
        self.random.shuffle(self.tags)
        self._unused_tags = list(self.tags)
        self.forms, self.calendars, self.users, self.templates = (
            [short_id(self.random) for _ in range(count)] for count in (9, 6, 5, 4)
        )
        self._unused_channels = ["SMS", "Live_Chat", "IG", "FB", "WhatsApp"]
        self._unused_forms, self._unused_calendars = list(self.forms), list(self.calendars)
        self.pipelines = {
            short_id(self.random): [an_id(self.random) for _ in range(4)] for _ in range(3)
        }
        self._unused_stages = [
            (pipeline, stage) for pipeline, stages in self.pipelines.items() for stage in stages
        ]

    @property
    def references(self) -> References:
        """The lists as a scan reads them."""
        return References(
            tags=frozenset(self.tags),
            forms=frozenset(self.forms),
            calendars=frozenset(self.calendars),
            pipelines=frozenset(self.pipelines),
            stages=frozenset(stage for stages in self.pipelines.values() for stage in stages),
            users=frozenset(self.users),
            templates=frozenset(self.templates),
            workflows=frozenset(self.workflows),
            custom_fields=frozenset(FIELDS),
            custom_values=SENDING_VALUES,
        )

    def tag(self) -> str:
        """Gives some tag to set; no workflow waits for it."""
        return self.random.choice(self._unused_tags)

    def waited_tag(self) -> str:
        """Gives a tag for one workflow to wait for."""
        return self._unused_tags.pop()

    def user(self) -> str:
        """Gives some user."""
        return self.random.choice(self.users)

    def stage(self) -> tuple[str, str]:
        """Gives some pipeline and a stage of it."""
        pipeline = self.random.choice(list(self.pipelines))
        return pipeline, self.random.choice(self.pipelines[pipeline])

    def trigger(self, kind: str) -> dict[str, Any]:
        """Gives a trigger of a kind with the filters it should have; no other workflow has it."""
        return {
            "id": an_id(self.random),
            "type": kind,
            "name": kind.replace("_", " ").title(),
            "active": True,
            "conditions": self._conditions(kind),
        }

    def _conditions(self, kind: str) -> list[dict[str, Any]]:
        for word, filtered in self._filters.items():
            if word in kind:
                return filtered()
        return [_is("contact.source", an_id(self.random)[:8])]

    @property
    def _filters(self) -> dict[str, Callable[[], list[dict[str, Any]]]]:
        """What a kind of trigger is filtered by, the first that fits its name."""
        either = self.random.choice
        return {
            "submission": lambda: [_is(either(("form.id", "formId")), self._unused_forms.pop())],
            "appointment": lambda: [
                _is(either(("calendar.id", "calendarId")), self._unused_calendars.pop()),
                _is("appointment.status", either(("confirmed", "new", "noshow"))),
            ],
            "contact_tag": lambda: [
                _is(either(("tagsAdded", "contact.tags")), [self.waited_tag()], "contains-any")
            ],
            "opportunity": self._stage_filter,
            "pipeline": self._stage_filter,
            "call_status": lambda: [
                _is("call.status", either((["no-answer", "voicemail"], ["busy"])), "is-any")
            ],
            "customer_reply": lambda: [_is("message.type", self._unused_channels.pop())],
        }

    def _stage_filter(self) -> list[dict[str, Any]]:
        pipeline, stage = self._unused_stages.pop()
        either = self.random.choice
        return [
            _is(either(("opportunity.pipelineId", "pipelineId")), pipeline),
            _is(either(("opportunity.pipelineStageId", "stageId")), stage),
        ]


def _is(name: str, value: object, operator: str = "is") -> dict[str, Any]:
    return {
        "field": name,
        "operator": operator,
        "value": value,
        "title": name.rsplit(".", maxsplit=1)[-1],
    }
