"""A location of healthy workflows of real size: every step and trigger type, and no fault."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

from services.scheduler.domain.definition import LocationGraph, links_of
from services.scheduler.domain.definition.values import words
from services.scheduler.domain.definition.vocabulary import STEP_TYPES
from services.scheduler.domain.evidence import (
    LocationEvidence,
    StepLog,
    VersionChange,
    WorkflowEvidence,
    WorkflowSnapshot,
    WorkflowStatus,
)
from services.scheduler.domain.references import References
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import NOW, ran

WORKFLOWS = 72
SEED = 20261123
BUILT_IN = words(
    """
    sms email wait drip webhook custom_webhook add_contact_tag remove_contact_tag if_else goto
    update_contact_field assign_user internal_notification internal_create_opportunity
    internal_update_opportunity add_to_workflow remove_from_workflow workflow_goal transition
    find_opportunity find_contact workflow_split create_opportunity internal-add-opportunity-owner
    """
)
PLAIN_TYPES = sorted(STEP_TYPES - BUILT_IN)
"""Step types that are placed as they are, with a few attributes nobody looks at."""


def triggers_for(number):
    """A trigger of each type in turn, with conditions that no other workflow has."""
    own = f"campaign {number}"
    kinds = [
        e.trigger("appointment", ("calendar.id", "==", e.CALENDAR), ("name", "==", own)),
        e.trigger("customer_appointment", ("calendar.id", "==", e.CALENDAR), ("name", "==", own)),
        e.trigger("birthday_reminder", ("days", "==", number)),
        e.trigger("call_status", ("call_status", "contains-any", ["missed", own])),
        e.trigger("contact_changed", (f"contact.{e.FIELD}", "has-changed", own)),
        e.trigger("contact_created", ("contact.source", "==", own)),
        e.trigger("contact_tag", ("tagsAdded", "index-of-true", f"start {number}")),
        e.trigger("custom_date_reminder", ("days", "==", number)),
        e.trigger("customer_reply", ("message.body", "contains-any", [own])),
        e.trigger("dnd_contact", ("dnd", "==", own)),
        e.trigger("facebook_lead_gen", ("facebook.formId", "==", own)),
        e.trigger("form_submission", ("form.id", "is-any-of", [e.FORM]), ("page", "==", own)),
        e.trigger("inbound_webhook"),
        e.trigger("invoice", ("invoice.status", "==", own)),
        e.trigger("mailgun_email_event", ("mailgun.event", "==", own)),
        e.trigger("messaging_errors", ("code", "==", number)),
        e.trigger("note_add", ("note", "==", own)),
        e.trigger("note_changed", ("note", "==", own)),
        e.trigger(
            "opportunity_changed", ("opportunity.pipelineId", "==", e.PIPELINE), ("x", "==", own)
        ),
        e.trigger(
            "opportunity_created", ("opportunity.pipelineId", "==", e.PIPELINE), ("x", "==", own)
        ),
        e.trigger("opportunity_decay", ("opportunity.lastActionDate", "time-diff-now-gte", number)),
        e.trigger("opportunity_status_changed", ("opportunity.status", "==", own)),
        e.trigger("order_submission", ("order.product", "is-in-array", [own])),
        e.trigger("payment_received", ("payment.source", "==", own)),
        e.trigger(
            "pipeline_stage_updated",
            ("opportunity.pipelineStageId", "==", e.STAGE),
            ("x", "==", own),
        ),
        e.trigger("scheduler_trigger", ("scheduler.interval", "==", "weekly")),
        e.trigger("survey_submission", ("survey.id", "is-any-of", [own])),
        e.trigger("task_added", ("task.assignedTo", "==", own)),
        e.trigger("task_due_date_reminder", ("task.dueDate", "time-diff-now-lte", number)),
        e.trigger("trigger_link", ("link.id", "==", own)),
        e.trigger("two_step_form_submission", ("page", "==", own)),
        e.trigger("user_log_in", ("user", "==", own)),
        e.trigger("validation_error", ("code", "==", number)),
        e.trigger("video_event", ("video", "==", own)),
        e.trigger("acme.marketplace_app_event", ("anything", "==", own)),
    ]
    found = [kinds[number % len(kinds)]]
    if number % 3 == 0:
        found.append(
            e.trigger("contact_tag", ("tagsAdded", "index-of-true", f"also {number}"), name="2")
        )
    return found


class Composer:
    """Writes one healthy workflow, block by block, until it is long enough."""

    def __init__(self, number):
        self.number = number
        self.random = random.Random(SEED + number)
        self.plain = (
            PLAIN_TYPES[position % len(PLAIN_TYPES)] for position in range(number * 2, 10_000)
        )
        self.loops = 0

    def workflow(self):
        """A definition of 10 to 80 steps or a little more."""
        size = self.random.randint(12, 60)
        steps = [e.sms(), e.wait(), *self.any_type(), *self.any_type(), *self.blocks(size, 0)]
        return e.definition(
            steps,
            triggers_for(self.number),
            _id=workflow_id(self.number),
            name=f"Workflow {self.number}",
            allowMultiple=self.number % 2 == 0,
        )

    def blocks(self, size, depth):
        """Steps one after the other; a block that branches comes last, as in the builder."""
        steps = []
        while len(steps) < size / (2 if depth < 3 else 1):
            steps += self.random.choice(self.simple)(self)
        rest = int(size - len(steps))
        if depth < 3 and rest >= 4:
            steps += self.random.choice(self.branching)(self, rest // 2, depth + 1)
        return steps

    def say(self):
        text = self.random.choice(
            [
                "Hi {{contact.first_name}}, are you still interested? Book at {{custom_values.link}}",
                "¡TODO listo, {{contact.first_name}}! Nos vemos el {{appointment.start_time}}.",
                "Thanks! Your team xxx",
                "Your number is {{contact.phone}} and your plan {{contact.plan_name}}.",
            ]
        )
        style = "<style>@media print{p{color:red}}</style>"
        mail = e.email("About [your] visit", f"{style}<p class='xxx'>{text}</p>")
        return [e.wait(self.random.randint(1, 9), "hours"), self.random.choice([e.sms(text), mail])]

    def write_down(self):
        return [
            e.update_field(self.random.choice([e.FIELD, "first_name"])),
            e.add_tag(f"done {self.number}"),
            e.remove_tag("old", "older"),
        ]

    def tell(self):
        call = e.custom_webhook(
            "{{custom_values.link}}/in?token={{custom_values.hook_token}}",
            headers=[{"key": "Authorization", "value": "Bearer {{custom_values.hook_token}}"}],
        )
        ours = e.webhook(
            "https://watch.example.org/api/workflows/x/executions?key=rw_ingest_" + "a1" * 16
        )
        return [self.random.choice([e.notify(), e.webhook(), call, ours]), e.assign(e.USER)]

    def any_type(self):
        kind = next(self.plain)
        return [
            e.step(kind, f"Do {kind}", note="as it is"),
            e.step("acme-app-action", "App", x={"y": [1]}),
        ]

    def slow_down(self):
        return [e.drip(), e.wait_for_appointment()]

    def opportunity(self, size, depth):
        owner = e.step("internal-add-opportunity-owner", "Owner", user=e.USER)
        create = [e.create_opportunity(), e.step("create_opportunity", pipeline_id=e.PIPELINE)]
        return [
            e.find_opportunity(
                [e.update_opportunity(), owner, *self.blocks(size, depth)],
                [self.random.choice(create), e.update_opportunity(), *self.blocks(size, depth)],
            )
        ]

    def question(self, size, depth):
        yes = self.blocks(size, depth)
        return [e.if_else("Is it a VIP?", yes, self.blocks(size, depth))]

    def reply(self, size, depth):
        return [
            e.wait_for_reply(
                self.blocks(size, depth), [e.wait(), e.sms(), *self.blocks(size, depth)]
            )
        ]

    def contact(self, size, depth):
        ways = {"Contact Found": self.blocks(size, depth), "Contact Not Found": [e.notify()]}
        return [e.split("find_contact", "Find contact", ways, fields=[{"field": "email"}])]

    def test_two_ways(self, size, depth):
        ways = {"Path A": self.blocks(size, depth), "Path B": self.blocks(size, depth)}
        return [e.split("workflow_split", "A/B", ways, condition="random-split")]

    def ask_again(self, size, depth):
        self.loops += 1
        name = f"Check again {self.loops}"
        again = e.if_else(name, self.blocks(size, depth), [e.wait(1, "days"), e.go_to(name)])
        return [again]

    def rejoin(self, size, depth):
        self.loops += 1
        name = f"Together {self.loops}"
        together = e.step("add_notes", name, body="both ways end here")
        return [e.if_else("Which way?", [together, *self.blocks(size, depth)], [e.go_to(name)])]

    def reach_goal(self, size, depth):
        return [e.goal(), e.add_to_workflow(), e.remove_from_workflow()]

    simple = (say, write_down, tell, any_type, slow_down)
    branching = (
        opportunity,
        question,
        reply,
        contact,
        test_two_ways,
        ask_again,
        rejoin,
        reach_goal,
    )


def workflow_id(number):
    return f"78559bb3-0000-4000-8000-{number:012d}"


def references():
    """Lists of a location that have all that its workflows name."""
    tags = {f"{word} {number}" for number in range(WORKFLOWS) for word in ("start", "also", "done")}
    return References(
        tags=frozenset(tags | {"old", "older", "VIP"}),
        forms=frozenset({e.FORM}),
        calendars=frozenset({e.CALENDAR}),
        pipelines=frozenset({e.PIPELINE}),
        stages=frozenset({e.STAGE}),
        users=frozenset({e.USER, e.OTHER_USER}),
        templates=frozenset({e.TEMPLATE}),
        workflows=frozenset({e.OTHER_WORKFLOW, *map(workflow_id, range(WORKFLOWS))}),
        custom_fields=frozenset({e.FIELD, "contact.plan_name"}),
        custom_values={"{{ custom_values.link }}": True, "custom_values.hook_token": True},
    )


def evidence_of(definition, *, workflow_id=None):
    """All evidence there can be of a workflow, and all of it good."""
    history = replace(
        ran("S" * 200).history,
        longest_gap=timedelta(hours=14),
        hourly_runs=(3, 5, 2, 0, 9, 4) * 28,
        most_starts=1,
    )
    return WorkflowEvidence(
        workflow_id=workflow_id or definition["_id"],
        workflow_name=definition["name"],
        status=WorkflowStatus.PUBLISHED,
        history=history,
        definition=definition,
        listed=True,
        created_at=NOW - timedelta(days=200),
        previous=WorkflowSnapshot(WorkflowStatus.PUBLISHED, 7),
        version_changes=(VersionChange(history.recent_runs[9].executed_at, 7),),
        step_logs=(StepLog(step_id="a", rows=500, skipped=20, silent_failures=0),),
    )


@dataclass(frozen=True)
class Location:
    """Workflows of one location and what is known of it."""

    definitions: dict
    evidence: LocationEvidence
    links: dict


def links_in(definition):
    return links_of(evidence_of(definition).parsed, workflow_id=definition["_id"], live=True)


def location_of(definitions):
    links = {each["_id"]: links_in(each) for each in definitions.values()}
    evidence = LocationEvidence(
        location_id="loc-1",
        references=references(),
        graph=LocationGraph(links.values(), complete=True),
        reporting_workflows=len(definitions),
    )
    return Location(definitions, evidence, links)


def healthy_location(workflows=WORKFLOWS):
    composed = (Composer(number).workflow() for number in range(workflows))
    return location_of({each["_id"]: each for each in composed})
