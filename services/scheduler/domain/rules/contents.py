"""Rules on values that a step needs."""

from collections.abc import Callable, Iterator, Mapping

from services.scheduler.domain.definition import Step, values
from services.scheduler.domain.definition.messages import EMAIL_PARTS, SMS_PARTS, uses_template
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import Sighting, at, live_steps, rule

RECIPIENTS = (
    "userType",
    "selectedUser",
    "selectedUsers",
    "users",
    "user",
    "to",
    "toEmail",
    "email",
    "emails",
    "phone",
    "customEmail",
    "toNumber",
    "number",
)
ASSIGNEES = ("user_list", "customUserList", "user", "users", "userId", "userIds", "assignedTo")


@rule(
    "GHL223",
    "Required value missing in a step",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.DEFINITION},
    remedy="Fill in the missing value and save the step.",
    basis="HighLevel skips or fails a step that lacks what it needs, for every contact.",
)
def value_missing(workflow: WorkflowEvidence, _location: LocationEvidence) -> Iterator[Sighting]:
    """A step lacks the value without which it can do nothing.

    An e-mail its subject or content, an SMS its text and attachments, a webhook its address, a tag
    step its tags, a field update its fields, an internal notification its recipient, a Go To its
    target, Add to Workflow its workflow.
    """
    for _, step in live_steps(workflow):
        look = REQUIRED.get(step.type)
        if look is None or step.attributes is None:
            continue
        if lacking := look(step, step.attributes):
            yield at(step, f"({step.type}) has no {lacking}.")


@rule(
    "GHL226",
    "Lead is assigned to nobody",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.DEFINITION},
    remedy="Select at least one active user.",
    basis="The contact stays without an owner, and nobody is told to call.",
)
def assigned_to_nobody(
    workflow: WorkflowEvidence, _location: LocationEvidence
) -> Iterator[Sighting]:
    """A step assigns a contact or an opportunity, and names no user and no field that does."""
    for _, step in live_steps(workflow):
        if step.type not in {"assign_user", "internal-add-opportunity-owner"}:
            continue
        if step.attributes is not None and _all_blank(step.attributes, ASSIGNEES):
            yield at(step, "assigns to nobody: it names no user.")


def _all_blank(settings: Mapping[str, object], keys: tuple[str, ...]) -> bool:
    return all(values.blank(settings.get(key)) for key in keys)


def _email(step: Step, settings: Mapping[str, object]) -> str:
    if uses_template(step):
        return ""
    if _all_blank(settings, EMAIL_PARTS[1:]):
        return "content"
    return "subject" if values.blank(settings.get("subject")) else ""


def _sms(step: Step, settings: Mapping[str, object]) -> str:
    if uses_template(step) or not values.blank(settings.get("attachments")):
        return ""
    return "text and no attachment" if _all_blank(settings, SMS_PARTS) else ""


def _address(_: Step, settings: Mapping[str, object]) -> str:
    """Looks for the address; events of connected apps have theirs elsewhere."""
    if values.text(settings.get("event")) not in {"", "CUSTOM"}:
        return ""
    return "address" if _all_blank(settings, ("url", "webhookUrl")) else ""


def _tags(_: Step, settings: Mapping[str, object]) -> str:
    return "tag" if _all_blank(settings, ("tags", "tag")) else ""


def _fields(_: Step, settings: Mapping[str, object]) -> str:
    return "field" if _all_blank(settings, ("fields", "field", "customFields")) else ""


def _recipient(_: Step, settings: Mapping[str, object]) -> str:
    """Looks into the part for the kind of notification; in another shape it says nothing."""
    part = settings.get(values.name(settings.get("type")) or "")
    if not isinstance(part, Mapping) or not _all_blank(
        settings, ("userType", "selectedUser", "to")
    ):
        return ""
    if _all_blank(part, RECIPIENTS):
        return "recipient"
    chosen = "selectedUser" in part and part.get("userType") == "user"
    return "recipient" if chosen and values.blank(part["selectedUser"]) else ""


def _target(step: Step, _: Mapping[str, object]) -> str:
    return "" if step.leads_to or not step.readable_links else "target"


def _workflow(_: Step, settings: Mapping[str, object]) -> str:
    return "workflow" if _all_blank(settings, ("workflow_id", "workflowId", "workflow")) else ""


REQUIRED: Mapping[str, Callable[[Step, Mapping[str, object]], str]] = {
    "email": _email,
    "sms": _sms,
    "webhook": _address,
    "custom_webhook": _address,
    "add_contact_tag": _tags,
    "remove_contact_tag": _tags,
    "update_contact_field": _fields,
    "internal_notification": _recipient,
    "goto": _target,
    "add_to_workflow": _workflow,
}
