"""What the steps of a workflow say and where they send it."""

from collections.abc import Iterator

from services.scheduler.domain.definition import values
from services.scheduler.domain.definition.model import Step

SMS_PARTS = ("body", "message", "text")
EMAIL_PARTS = ("subject", "html", "body", "text")
MESSAGE_PARTS = (*EMAIL_PARTS, "message")
TEMPLATE_KEYS = (
    "template_id",
    "templateId",
    "template",
    "templateid",
    "email_template_id",
    "emailTemplateId",
    "snippet_id",
)


def said_by(step: Step) -> Iterator[tuple[str, str]]:
    """Gives the texts that a sending step sends, with the name of the part."""
    for part in MESSAGE_PARTS:
        if found := values.text(step.settings.get(part)):
            yield part, found


def uses_template(step: Step) -> bool:
    """Says whether its text lies in a template elsewhere."""
    return any(
        ("template" in key.lower() or key == "snippet_id")
        and not values.blank(value)
        and values.text(value) != "0"
        for key, value in step.settings.items()
    )


def inputs_of(step: Step) -> dict[str, object]:
    """Gives the values of a step that keeps them as a list of fields (opportunity steps do)."""
    return {
        field: each.get("value")
        for each in values.objects(step.settings.get("__customInputFields__"))
        if (field := values.name(each.get("filterField")))
    }
