"""Faults of each kind, planted at random places of healthy workflows."""

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta

from services.scheduler.domain.definition import LocationGraph
from services.scheduler.domain.definition.vocabulary import STEP_TYPES, may_pause
from services.scheduler.domain.evidence import (
    StepLog,
    VersionChange,
    WorkflowSnapshot,
    WorkflowStatus,
)
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.corpus import evidence_of, links_in
from tests.scheduler.domain.making import counts, errors, ran

GONE = "gOn3xX7Qm2Xw7Lp3Vt8Z"


@dataclass
class Planted:
    """What a rule is shown: a workflow with one fault, and its location."""

    workflow: object
    location: object


def steps_of(definition):
    return definition["workflowData"]["templates"]


def inserted(definition, random, new, where=lambda _: True):
    """A copy with steps put in at a random place of those that lead straight on."""
    changed = deepcopy(definition)
    steps = steps_of(changed)
    places = [each for each in steps if _leads_straight_on(each) and where(each)]
    before = random.choice(places)
    for number, told in enumerate(new):
        each = {**told, "id": f"new-{number}", "parentKey": before["id"]}
        each["next"] = before.get("next") or ""
        for after in steps:
            if after["id"] == each["next"]:
                after["parentKey"] = each["id"]
        before["next"] = each["id"]
        steps.append(each)
        before = each
    return changed


def _leads_straight_on(step):
    return step["type"] != "goto" and not isinstance(step.get("next"), list)


def without_unreachable(definition):
    """Takes out the steps that nothing leads to any more."""
    steps = steps_of(definition)
    by_id = {each["id"]: each for each in steps}
    waiting, seen = [steps[0]["id"]], set()
    while waiting:
        found = waiting.pop()
        if found and found not in seen:
            seen.add(found)
            after = by_id[found].get("next") or []
            waiting += after if isinstance(after, list) else [after]
            waiting.append(by_id[found]["attributes"].get("targetNodeId"))
    definition["workflowData"]["templates"] = [each for each in steps if each["id"] in seen]
    return definition


def not_after(definition, *types):
    """Says of a step whether none of the types can come before it."""
    graph = evidence_of(definition).parsed.graph
    steps = steps_of(definition)
    after = graph.after(n for n, each in enumerate(steps) if each["type"] in types)
    fine = {each["id"] for n, each in enumerate(steps) if n not in after}
    return lambda step: step["id"] in fine and step["type"] not in types


class Plants:
    """One method a fault; `None` where a workflow has no place for it."""

    def __init__(self, location, random):
        self.location = location
        self.random = random

    def of(self, definition, *, location=None, **evidence):
        workflow = replace(evidence_of(definition), **evidence)
        return Planted(workflow, location or self.location.evidence)

    def put(self, definition, *new, **more):
        return self.of(inserted(definition, self.random, new, **more))

    def with_history(self, definition, letters="S" * 200, **history):
        runs = ran(letters, **history)
        return self.of(definition, history=runs.history, version_changes=())

    def ghl101(self, definition):
        return self.of(definition | {"status": "draft"}, status=WorkflowStatus.DRAFT)

    def ghl102(self, definition):
        before = WorkflowSnapshot(WorkflowStatus.PUBLISHED)
        return self.of(definition, status=None, listed=False, previous=before)

    def ghl103(self, definition):
        trigger = e.trigger("contact_created", ("contact.source", "==", "never"))
        changed = inserted(definition, self.random, [e.webhook()]) | {"triggers": [trigger]}
        return self.of(changed, history=ran("").history, version_changes=())

    def ghl104(self, definition):
        return self.with_history(definition, newest_ago=30 * timedelta(hours=1))

    def ghl105(self, definition):
        letters = "FSFSSSSSSS" + "FF" + "SSSSSSSF"
        history = ran(letters, last_7_days=counts(succeeded=95, failed=5)).history
        change = VersionChange(history.recent_runs[11].executed_at, 8)
        return self.of(definition, history=history, version_changes=(change,))

    def ghl201(self, definition):
        return self.of(definition | {"triggers": []}, history=None)

    def ghl202(self, definition):
        off = [each | {"active": False} for each in definition["triggers"]]
        return self.of(definition | {"triggers": off})

    def ghl203(self, definition):
        kinds = ["appointment", "customer_appointment", "call_status", "opportunity_changed"]
        return self.of(definition | {"triggers": [e.trigger(self.random.choice(kinds))]})

    def ghl204(self, definition):
        return self.of(definition | {"triggers": [e.trigger("contact_changed")]})

    def ghl205(self, definition):
        wrong = self.random.choice(
            [
                e.trigger("contact_tag", ("tagsAdded", "index-of-true", "deleted tag")),
                e.trigger("form_submission", ("form.id", "is-any-of", [GONE])),
                e.trigger("appointment", ("calendar.id", "==", GONE)),
                e.trigger("opportunity_created", ("opportunity.pipelineId", "==", GONE)),
                e.trigger("pipeline_stage_updated", ("opportunity.pipelineStageId", "==", GONE)),
            ]
        )
        return self.of(definition | {"triggers": [*definition["triggers"], wrong]})

    def ghl206(self, definition):
        others = [
            each["triggers"][0]
            for each in self.location.definitions.values()
            if each["_id"] != definition["_id"] and "conditions" in each["triggers"][0]
        ]
        same = [each for each in others if each["type"] in {"contact_tag", "survey_submission"}]
        return self.of(
            definition | {"triggers": [*definition["triggers"], self.random.choice(same)]}
        )

    def ghl207(self, definition):
        changed = definition | {"allowMultiple": True, "triggers": [e.FORM_SENT]}
        place = not_after(changed, "find_opportunity", "find_contact", "find_or_create_contact")
        return self.put(changed, e.create_opportunity(), where=place)

    def ghl211(self, definition):
        def ends(step):
            return not step.get("next") and not may_pause(step["type"]) and step["type"] != "goto"

        changed = deepcopy(definition)
        places = [each for each in steps_of(changed) if ends(each)]
        if not places:
            return None
        last = self.random.choice(places)
        last["next"] = "new-goto"
        jump = {**e.go_to(last["id"]), "id": "new-goto", "parentKey": last["id"]}
        steps_of(changed).append(jump)
        return self.of(changed)

    def ghl212(self, definition):
        others = [each for each in self.location.definitions if each != definition["_id"]]
        other = self.location.definitions[self.random.choice(others)]
        first = steps_of(definition)[0]["id"]
        place = {"where": lambda step: step["id"] == first}
        here = inserted(definition, self.random, [e.add_to_workflow(other["_id"])], **place)
        there = inserted(other, self.random, [e.add_to_workflow(definition["_id"])], **place)
        links = self.location.links | {each["_id"]: links_in(each) for each in (here, there)}
        graph = LocationGraph(links.values(), complete=True)
        return self.of(here, location=replace(self.location.evidence, graph=graph))

    def ghl213(self, definition):
        changed = deepcopy(definition)
        step = self.random.choice([each for each in steps_of(changed) if each.get("next")])
        if isinstance(step["next"], list):
            step["next"][self.random.randrange(len(step["next"]))] = GONE
        else:
            step["next"] = GONE
        return self.of(changed)

    def ghl214(self, definition):
        changed = deepcopy(definition)
        targets = {each["attributes"].get("targetNodeId") for each in steps_of(changed)}
        known = {each["id"] for each in steps_of(changed) if each["type"] in STEP_TYPES}
        links = [
            each
            for each in steps_of(changed)
            if each["id"] in known and str(each.get("next")) in known - targets
        ]
        self.random.choice(links)["next"] = ""
        return self.of(changed)

    def ghl215(self, definition):
        changed = deepcopy(definition)
        asking = [each for each in steps_of(changed) if each.get("nodeType") == "condition-node"]
        if not asking:
            return None
        self.random.choice(asking)["next"].pop()
        return self.of(without_unreachable(changed))

    def ghl216(self, definition):
        return self.of(definition | {"workflowData": {"templates": []}})

    def ghl221(self, definition):
        kind = self.random.choice(["reply", "condition", "email_event", "trigger_link"])
        return self.put(definition, e.step("wait", "Wait for it", type=kind, transitions=[]))

    def ghl222(self, definition):
        lengths = [{}, None, {"type": "days"}, {"value": 0}, {"value": ""}, {"value": "-3"}]
        length = self.random.choice(lengths)
        return self.put(definition, e.step("wait", "Empty wait", type="time", startAfter=length))

    def ghl223(self, definition):
        empty = self.random.choice(
            [
                e.email(subject=""),
                e.email(html=" "),
                e.sms(body=""),
                e.webhook(url=""),
                e.custom_webhook(url=None),
                e.add_tag(),
                e.remove_tag(),
                e.step("update_contact_field", "Write", fields=[]),
                e.step("internal_notification", "Tell", type="email", email={"subject": "x"}),
                e.step("goto", "Go To", type="goto"),
                e.step("add_to_workflow", "Hand over", workflow_id=[]),
            ]
        )
        if empty["type"] == "goto":
            return self.put(definition, empty, where=lambda step: not step.get("next"))
        return self.put(definition, empty)

    def ghl224(self, definition):
        hosts = "localhost:8080 127.0.0.1 10.1.2.3 192.168.1.7 172.20.0.1 [::1] x.ngrok-free.app"
        hosts += " a-b.trycloudflare.com webhook.site eno1x2.x.pipedream.net printer.local"
        url = f"https://{self.random.choice(hosts.split())}/in"
        return self.put(definition, self.random.choice([e.webhook, e.custom_webhook])(url))

    def ghl225(self, definition):
        gone = self.random.choice(
            [
                e.assign(e.USER, GONE),
                e.update_field(GONE),
                e.add_to_workflow("78559bb3-dead-4000-8000-00000000beef"),
                e.remove_from_workflow("78559bb3-dead-4000-8000-00000000beef"),
                e.step("email", "Mail", template_id=GONE, subject="Hello"),
                e.step("create_opportunity", "Deal", pipeline_id=GONE),
            ]
        )
        return self.put(definition | {"allowMultiple": False}, gone)

    def ghl226(self, definition):
        owner = e.step("internal-add-opportunity-owner", "Owner", user="")
        if self.random.random() < 0.5:
            return self.put(definition, e.assign())
        changed = definition | {"triggers": [e.trigger("opportunity_created", ("x", "==", "mine"))]}
        return self.put(changed, owner)

    def ghl227(self, definition):
        texts = [
            "Hi {{contact.frist_name}}. Reply STOP",
            "Book {{ custom_values.gone }}. Reply STOP",
            "Hi {{contact.first_name}, reply STOP",
            "Hi {contact.first_name}}, reply STOP",
            "Hi {{contact.custom.plan}}, reply STOP",
        ]
        return self.put(definition, e.sms(self.random.choice(texts)))

    def ghl228(self, definition):
        texts = ["Lorem ipsum dolor", "TODO: write this", "Hi [NAME]", "<insert link>", "Price TBD"]
        text = self.random.choice([*texts, "Call xxx-xxx-xxxx", "See https://example.com/x"])
        return self.put(
            definition, self.random.choice([e.sms(f"{text}. STOP"), e.email("Hi", text)])
        )

    def ghl229(self, definition):
        key = "k9X2" * 6
        secret = self.random.choice(
            [
                e.webhook(f"https://hooks.example.net/in?token={key}"),
                e.custom_webhook(headers=[{"key": "Authorization", "value": f"Bearer {key}"}]),
                e.custom_webhook(headers={"key": "X-Api-Key", "value": key}),
                e.custom_webhook(authorization={"type": "BEARER_TOKEN", "data": {"token": key}}),
                e.step(
                    "custom_code", "Code", code=f"const key = 'sk_live_{key}'", output=[{"a": 1}]
                ),
                e.webhook("https://api.example.org/?a=pit-0f1e2d3c-0000-4000-8000-00000000beef"),
            ]
        )
        return self.put(definition, secret)

    def ghl230(self, definition):
        changed = definition | {"triggers": [e.FORM_SENT]}
        place = not_after(
            changed, "find_opportunity", "create_opportunity", "internal_create_opportunity"
        )
        return self.put(changed, e.update_opportunity(), where=place)

    def ghl231(self, definition):
        steps = steps_of(definition)
        if any(each["type"] == "workflow_goal" for each in steps):
            return None
        if any(each["attributes"].get("type") == "reply" for each in steps):
            return None
        trigger = e.trigger("contact_created", ("contact.source", "==", "mine"))
        changed = definition | {"stopOnResponse": False, "triggers": [trigger]}
        return self.put(changed, e.sms(), e.wait(), e.sms(), e.wait(), e.sms())

    def ghl401(self, definition):
        return self.with_history(
            definition, last_7_days=counts(succeeded=70, failed=20, partial=10)
        )

    def ghl402(self, definition):
        return self.with_history(definition, "FFFFFSSSSS" + "SFSFSFSFFS" + "S" * 180)

    def ghl403(self, definition):
        return self.with_history(definition, "SFSSFSSSSSSSSSSSSSSS" + "S" * 80)

    def with_errors(self, definition, name, count, message=""):
        return self.with_history(definition, error_classes=(errors(name, count, message),))

    def ghl404(self, definition):
        return self.with_errors(definition, "AUTH", 2)

    def ghl405(self, definition):
        return self.with_errors(definition, "SMS_SENDER", 1)

    def ghl406(self, definition):
        kind, count = self.random.choice(
            [("SMS_FILTERED", 4), ("EMAIL_AUTH", 3), ("EMAIL_BOUNCE", 9)]
        )
        return self.with_errors(definition, kind, count)

    def ghl407(self, definition):
        return self.with_errors(definition, "CONTACT_DATA", 17)

    def ghl408(self, definition):
        kind = self.random.choice([("HTTP_REMOTE", 3), ("RATE_LIMIT", 3), ("NOT_FOUND", 2)])
        return self.with_errors(definition, *kind, "failed with status code 404")

    def ghl409(self, definition):
        storms = [{"most_starts": 50}, {"hourly_runs": (3, 5, 9) * 50 + (400, 3)}]
        return self.with_history(definition, **self.random.choice(storms))

    def ghl410(self, definition):
        log = StepLog(step_id="a", step_name="Send", rows=40, silent_failures=3)
        return self.of(definition, step_logs=(StepLog(step_id="b", rows=9), log))
