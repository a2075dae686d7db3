"""Builds definitions as HighLevel's builder exports them: steps by what they do, links by layout."""

from itertools import count

from demo.layout import laid_out

USER, OTHER_USER = "uSr4k9Qm2Xw7Lp3Vt8Zb", "uSr8n2Wc6Yd1Hs5Jf9Ra"
CALENDAR = "cAl3m7Rt1Pq9Zx5Kw2Nd"
PIPELINE, STAGE = "pIp6b2Lk8Vn4Cx9Qs1Tm", "sTg1d5Ry7Gw3Hj8Fz4Uk"
FORM = "fRm2p8Xc4Nb6Lt9Wv3Qa"
FIELD = "fLd7q1Zs5Mk3Dj9Bx6Ye"
TEMPLATE = "tPl9w3Gv1Rc7Hn5Kf2Sb"
OTHER_WORKFLOW = "78559bb3-0000-4000-8000-00000000beef"
OPT_OUT = "Reply STOP to opt out."


def step(step_type, name="", **attributes):
    return {"type": step_type, "name": name or step_type, "attributes": attributes}


def sms(body=f"Hi {{{{contact.first_name}}}}, thanks for your message. {OPT_OUT}"):
    return step("sms", "Send text", body=body, attachments=[])


def email(subject="Welcome", html="<p>Hi {{contact.first_name}}, read more at our site.</p>"):
    return step("email", "Send e-mail", subject=subject, html=html, from_name="", attachments=[])


def wait(value=1, unit="days"):
    return step(
        "wait",
        f"Wait {value} {unit}",
        type="time",
        startAfter={"type": unit, "value": value, "when": "after"},
        isHybridAction=True,
        hybridActionType="wait",
        convertToMultipath=False,
        transitions=[],
    )


def wait_for_appointment():
    return step(
        "wait",
        "Two hours before",
        type="appointment",
        appointmentStartAfter={"when": "before", "type": "minutes", "value": 120},
        appointmentCondition="skip",
    )


def drip():
    return step("drip", "Drip", batchSize=100, interval={"timeUnit": "minutes", "value": 10})


def webhook(url="https://hooks.example.net/in/4711"):
    return step("webhook", "Tell the CRM", method="POST", url=url, customData=[], headers=[])


def custom_webhook(url="https://api.example.net/v1/leads", **more):
    return step(
        "custom_webhook",
        "Tell the API",
        **{
            "event": "CUSTOM",
            "method": "POST",
            "url": url,
            "body": {
                "contentType": "application/json",
                "rawData": '{"a": {"b": "{{contact.id}}"}}',
            },
            "headers": [{"key": "X-Source", "value": "workflow"}],
            "parameters": [],
            "authorization": {"type": "NONE", "data": None},
            "saveResponse": False,
        }
        | more,
    )


def add_tag(*tags):
    return step("add_contact_tag", "Add tag", tags=list(tags) if len(tags) != 1 else tags[0])


def remove_tag(*tags):
    return step("remove_contact_tag", "Remove tag", tags=list(tags))


def update_field(field=FIELD):
    entry = {"field": field, "value": "yes", "title": "Asked", "type": "string", "date": ""}
    return step("update_contact_field", "Note it", actionType="update_field_data", fields=[entry])


def assign(*users):
    return step("assign_user", "Assign", user_list=list(users), traffic_split="equally")


def notify():
    part = {
        "subject": "New lead",
        "html": "<p>Call now</p>",
        "userType": "user",
        "selectedUser": USER,
    }
    return step("internal_notification", "Tell the team", type="email", email=part)


def create_opportunity():
    return step(
        "internal_create_opportunity",
        "Create opportunity",
        pipelineId=PIPELINE,
        __customInputFields__=[{"filterField": "pipelineStageId", "value": STAGE}],
    )


def update_opportunity():
    return step(
        "internal_update_opportunity",
        "Mark won",
        __customInputFields__=[{"filterField": "status", "value": "won"}],
    )


def add_to_workflow(workflow_id=OTHER_WORKFLOW):
    return step("add_to_workflow", "Hand over", workflow_id=workflow_id)


def remove_from_workflow(workflow_id=OTHER_WORKFLOW):
    return step("remove_from_workflow", "Take out", workflow_id=[workflow_id])


def go_to(target):
    """A Go To the step with the name `target`, or one before it that is still to be named."""
    return step("goto", "Go To", type="goto", targetNodeId=target)


def goal():
    segments = [{"conditions": [{"goal_condition": "add_contact_tag"}], "op": "or"}]
    return step("workflow_goal", "Goal", op="or", segments=segments, action="exit")


def if_else(name, yes, no, condition=None):
    """A question with an answer yes, an answer None, and steps below each."""
    asked = condition or {"conditionType": "contact_detail", "conditionSubType": "tags"}
    asked |= {"conditionOperator": "index-of-true", "conditionValue": ["vip"]}
    return step("if_else", name, operator="and") | {
        "ways": [("Yes", yes), ("None", no)],
        "asked": asked,
    }


def split(step_type, name, ways, **attributes):
    """A step with transitions, each a node of its own, and steps below each."""
    return step(step_type, name, **attributes) | {"ways": list(ways.items())}


def wait_for_reply(replied, timed_out):
    ways = {"Contact replied": replied, "Time out": timed_out}
    return split("wait", "Wait for reply", ways, type="reply", convertToMultipath=True)


def find_opportunity(found, missing):
    ways = {"Opportunity Found": found, "Opportunity Not Found": missing}
    return split("find_opportunity", "Find opportunity", ways, type="find_opportunity")


def trigger(trigger_type, *conditions, name="", active=True, **more):
    """A trigger with conditions told as (field, operator, value)."""
    told = [{"field": f, "operator": o, "value": v} for f, o, v in conditions]
    return {
        "id": f"trigger-{trigger_type}-{name}",
        "type": trigger_type,
        "name": name or trigger_type,
        "active": active,
        "conditions": told,
    } | more


FORM_SENT = trigger("form_submission", ("form.id", "is-any-of", [FORM]))


def definition(steps, triggers=(FORM_SENT,), **settings):
    """A published workflow with these steps, laid out and linked."""
    ids = (f"5e9a7c10-0000-4000-8000-{number:012d}" for number in count(1))
    return {
        "_id": "wf-1",
        "name": "Lead follow-up",
        "status": "published",
        "version": 7,
        "allowMultiple": False,
        "stopOnResponse": True,
        "timezone": "account",
        "workflowData": {"templates": laid_out(steps, ids)},
        "triggers": list(triggers),
    } | settings
