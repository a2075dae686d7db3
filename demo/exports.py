"""Workflow definitions in the shape in which GoHighLevel's builder exports them.

A workflow is written as a list of steps; `layout` says how.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from demo.layout import Step, Steps, laid_out

Trigger = dict[str, Any]

OPT_OUT = "Reply STOP to opt out."


def step(kind: str, name: str, **attributes: Any) -> Step:
    """Gives a step of any type."""
    return {"type": kind, "name": name, "attributes": attributes}


def sms(name: str, body: str) -> Step:
    """Gives a step that sends a text."""
    return step("sms", name, body=body, attachments=[])


def email(name: str, subject: str, body: str) -> Step:
    """Gives a step that sends an e-mail."""
    return step("email", name, subject=subject, html=f"<p>{body}</p>", from_name="", attachments=[])


def wait(value: object, unit: str = "hours") -> Step:
    """Gives a step that waits for a time."""
    return step(
        "wait",
        f"Wait {value} {unit}" if value else "Wait",
        type="time",
        startAfter={"type": unit, "value": value, "when": "after"},
    )


def wait_for_reply(name: str, **more: Any) -> Step:
    """Gives a step that waits for an answer, and with nothing else waits for ever."""
    return step("wait", name, type="reply", **more)


def before_appointment(minutes: int) -> Step:
    """Gives a step that waits until so long before the appointment."""
    return step(
        "wait",
        f"{minutes // 60} hours before",
        type="appointment",
        appointmentStartAfter={"when": "before", "type": "minutes", "value": minutes},
        appointmentCondition="skip",
    )


def call(name: str, url: str, **more: Any) -> Step:
    """Gives a step that calls another program."""
    return step(
        "custom_webhook",
        name,
        event="CUSTOM",
        method="POST",
        url=url,
        body={"contentType": "application/json", "rawData": '{"contact": "{{contact.id}}"}'},
        **{"headers": [], "parameters": [], "authorization": {"type": "NONE"}} | more,
    )


def tag(name: str, *tags: str) -> Step:
    """Gives a step that adds tags."""
    return step("add_contact_tag", name, tags=list(tags))


def note_field(name: str, field: str, value: str) -> Step:
    """Gives a step that fills a field of the contact."""
    entry = {"field": field, "value": value, "type": "string"}
    return step("update_contact_field", name, actionType="update_field_data", fields=[entry])


def notify(name: str, subject: str) -> Step:
    """Gives a step that tells the team."""
    part = {"subject": subject, "html": "<p>Please call back.</p>", "userType": "assign"}
    return step("internal_notification", name, type="email", email=part)


def create_opportunity(name: str) -> Step:
    """Gives a step that makes an opportunity."""
    return step("internal_create_opportunity", name, __customInputFields__=[])


def update_opportunity(name: str, status: str) -> Step:
    """Gives a step that changes the opportunity at hand."""
    inputs = [{"filterField": "status", "value": status}]
    return step("internal_update_opportunity", name, __customInputFields__=inputs)


def go_to(name: str, target: str) -> Step:
    """Gives a step that goes on at the step with the name `target`, or at an id that is none."""
    return step("goto", name, type="goto", targetNodeId=target)


def if_tagged(name: str, tagged: str, yes: Steps, no: Steps | None) -> Step:
    """Gives a question for a tag, and the steps below its answers; None leaves the other one out."""
    ways = [("Yes", yes)] if no is None else [("Yes", yes), ("None", no)]
    asked = {
        "conditionType": "contact_detail",
        "conditionSubType": "tags",
        "conditionOperator": "index-of-true",
        "conditionValue": [tagged],
    }
    return step("if_else", name, operator="and") | {"ways": ways, "asked": asked}


def trigger(
    kind: str, name: str, *conditions: tuple[str, str, Any], active: bool = True
) -> Trigger:
    """Gives a trigger with conditions told as (field, operator, value)."""
    told = [{"field": f, "operator": o, "value": v} for f, o, v in conditions]
    return {"type": kind, "name": name, "active": active, "conditions": told}


def loose(written: Step) -> Step:
    """Gives a step that the one above it does not lead to."""
    return written | {"loose": True}


def definition(
    workflow_id: str,
    name: str,
    steps: Steps,
    triggers: Sequence[Trigger],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Gives the export of a published workflow, or of what `settings` say it is."""
    ids = (str(uuid5(NAMESPACE_URL, f"{workflow_id}/{n}")) for n in count(1))
    return {
        "_id": workflow_id,
        "name": name,
        "status": "published",
        "version": 1,
        "allowMultiple": False,
        "stopOnResponse": True,
        "timezone": "account",
        "workflowData": {"templates": laid_out(steps, ids)},
        "triggers": [
            {"id": str(uuid5(NAMESPACE_URL, f"{workflow_id}/trigger/{n}"))} | each
            for n, each in enumerate(triggers)
        ],
    } | dict(settings)
