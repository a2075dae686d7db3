"""Workflows as agencies build them, from eleven to some seventy steps."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.scheduler.domain.unseen.drawing import Canvas, Flow, Node, an_id
from tests.scheduler.domain.unseen.speech import Voice
from tests.scheduler.domain.unseen.world import FIELDS, World

UNITS = ("minutes", "hours", "days")
HOOKS = (
    "https://hooks.zapier.com/hooks/catch/1204411/bq3{{contact.id}}",
    "https://hook.eu1.make.com/9a8dkl2m4n",
    "https://script.google.com/macros/s/AKfycbx/exec",
    "https://api.stripe.com/v1/customers",
    "{{custom_values.team_phone}}",
)


class Drawer:
    """Draws the parts that most workflows have."""

    def __init__(self, random: Random, world: World, voice: Voice, purpose: str) -> None:
        self.random, self.world, self.voice = random, world, voice
        self.flow = Flow(an_id(random), voice.title(random, purpose))
        self.flow.settings = {
            "allowMultiple": False,
            "allowMultipleOpportunity": False,
            "stopOnResponse": True,
            "removeContactFromLastStep": random.random() < 0.5,
            "timezone": random.choice(("account", "America/Chicago", "Europe/Berlin")),
            "autoMarkAsRead": False,
        }
        world.workflows.append(self.flow.id)
        self.canvas = Canvas(random, self.flow)
        self._texted = False

    def starts_on(self, *kinds: str) -> None:
        self.flow.triggers += [self.world.trigger(kind) for kind in kinds]

    def sms(self, kind: str = "offer") -> Node:
        first, self._texted = not self._texted, True
        body = self.voice.sms(self.random, kind, first=first)
        return self.canvas.step("sms", f"SMS {kind}", body=body, attachments=[])

    def email(self, kind: str = "offer") -> Node:
        subject = self.voice.subject(self.random)
        about: dict[str, Any] = {"from_name": self.voice.who, "from_email": "", "attachments": []}
        if self.random.random() < 0.3:
            about["template_id"] = self.random.choice(self.world.templates)
            about["templatesource"] = "email-builder"
        else:
            about["html"] = self.voice.html(self.random, kind)
        return self.canvas.step("email", f"Email {kind}", subject=subject, **about)

    def wait(self) -> Node:
        value: Any = self.random.randint(1, 30)
        after = {
            "type": self.random.choice(UNITS),
            "value": str(value) if self.random.random() < 0.3 else value,
            "when": "after",
        }
        return self.canvas.step("wait", "Wait", type="time", startAfter=after)

    def wait_before_visit(self, value: int, unit: str) -> Node:
        start = {"when": "before", "type": unit, "value": value}
        return self.canvas.step(
            "wait",
            f"{value} {unit} before",
            type="appointment",
            appointmentStartAfter=start,
            appointmentCondition="skip-to-next",
        )

    def wait_for(self, kind: str, happened: Callable[[], None], late: Callable[[], None]) -> Node:
        """Waits for a reply, a click or an opened mail, at most some days."""
        node = self.canvas.step("wait", f"Wait for {kind}", type=kind)
        timeout = {"value": self.random.randint(1, 9), "type": self.random.choice(UNITS)}
        node.attributes["timeout"] = timeout
        self.canvas.transitions(
            node,
            [
                ({"name": self.voice.tongue.yes, "type": kind}, happened),
                ({"name": "Time out", "type": "timeout", **timeout}, late),
            ],
        )
        return node

    def tag(self, kind: str = "add_contact_tag") -> Node:
        return self.canvas.step(kind, kind.replace("_", " "), tags=[self.world.tag()])

    def notify(self) -> Node:
        kind = self.random.choice(("email", "sms", "notification"))
        to = {"userType": "user", "selectedUser": [self.world.user()]}
        if kind == "email":
            to |= {"subject": self.voice.subject(self.random), "html": "<p>{{contact.name}}</p>"}
        else:
            to |= {"body": "{{contact.name}} {{contact.phone}}"}
        return self.canvas.step("internal_notification", "Tell the team", type=kind, **{kind: to})

    def assign(self) -> Node:
        users = self.random.sample(self.world.users, k=self.random.randint(1, 3))
        return self.canvas.step(
            "assign_user", "Assign", user_list=users, only_unassigned_contact=True
        )

    def task(self) -> Node:
        return self.canvas.step(
            "task-notification",
            "Task",
            title=self.voice.subject(self.random),
            dueDate=2,
            assignedTo=self.world.user(),
        )

    def field(self) -> Node:
        change = {"field": self.random.choice(FIELDS), "value": "{{contact.source}}"}
        return self.canvas.step(
            "update_contact_field", "Set", actionType="update_field_data", fields=[change]
        )

    def note(self) -> Node:
        return self.canvas.step("add_notes", "Note", html="{{contact.name}}: {{right_now.date}}")

    def opportunity(self, kind: str = "internal_create_opportunity") -> Node:
        pipeline, stage = self.world.stage()
        inputs = [
            {"filterField": "pipelineId", "value": pipeline},
            {"filterField": "pipelineStageId", "value": stage},
            {"filterField": "name", "value": "{{contact.name}}"},
        ]
        return self.canvas.step(
            kind, "Opportunity", pipelineId=pipeline, __customInputFields__=inputs
        )

    def find(self, found: Callable[[], None], missing: Callable[[], None]) -> Node:
        node = self.canvas.step("find_opportunity", "Find opportunity", filters=[])
        ways = [
            ({"name": "Opportunity Found", "type": "found"}, found),
            ({"name": "Opportunity Not Found", "type": "not_found"}, missing),
        ]
        self.canvas.transitions(node, ways)
        return node

    def hook(self) -> Node:
        return self.canvas.step(
            "webhook",
            "Webhook",
            method=self.random.choice(("POST", "GET")),
            url=self.random.choice(HOOKS),
            customData=[{"key": "status", "value": "success"}],
            headers=[{"key": "X-Source", "value": "ghl"}],
        )

    def custom_hook(self) -> Node:
        return self.canvas.step(
            "custom_webhook",
            "Custom webhook",
            event="CUSTOM",
            method=self.random.choice(("GET", "POST", "PUT")),
            url=self.random.choice(HOOKS[:4]),
            body={"contentType": "application/json", "rawData": '{"id":"{{contact.id}}"}'},
            headers=[{"key": "Authorization", "value": "Bearer {{custom_values.crm_key}}"}],
            parameters=[{"key": "page", "value": "1"}],
            authorization={"type": "NONE"},
            saveResponse=True,
        )

    def split_by_tag(
        self, yes: Callable[[], None], no: Callable[[], None], *, ways: int = 1
    ) -> None:
        """An If/Else over the contact's tags; the drawing goes on after the first way."""
        choices = [(f"{self.voice.tongue.yes} {n + 1}", self._has_tag(), yes) for n in range(ways)]
        self.canvas.choice("Which one?", choices, (self.voice.tongue.no, no))

    def chase(self, times: int) -> None:
        """Some messages with pauses between them."""
        for number in range(times):
            self.wait()
            self.random.choice((self.sms, self.email))(
                self.random.choice(("offer", "question", "last_try"))
            )
            if number % 3 == 2:
                self.random.choice((self.tag, self.note, self.field, self.task))()

    def _has_tag(self) -> dict[str, Any]:
        return {
            "conditionType": "contact_detail",
            "conditionSubType": "tags",
            "conditionOperator": "contains",
            "conditionValue": [self.world.tag()],
        }
