"""Bodies of webhooks that users write themselves: JSON with placeholders, and nothing that runs."""

import json
import re
from collections.abc import Mapping

from libs import problems
from services.notifier.domain.event import rfc3339
from services.notifier.domain.message import Message

LARGEST = 10_000
"""Bytes; a sandboxed template language would not bound what a body costs."""

_PLACEHOLDER = re.compile(r"\$([A-Z_]+)")


class TemplateMalformed(problems.InvalidRequest):
    """The body must be JSON of at most 10 kB once its placeholders are filled in."""

    reason = "TEMPLATE_MALFORMED"


def filled(template: str, message: Message) -> bytes:
    """Gives the body; each value is escaped so that it stays inside its JSON string."""
    values = _values(message)
    return _PLACEHOLDER.sub(lambda found: _escaped(values[found[1]]), template).encode()


def check(template: str, field: str) -> None:
    """Refuses a template that does not always become JSON."""
    if len(template.encode()) > LARGEST:
        raise TemplateMalformed.at(field)
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"${each}" for each in PLACEHOLDERS)
            raise TemplateMalformed.at(field, f"${name} is unknown; these are known: {known}.")
    try:
        # A quote ends a string, so what stands outside of one is found here.
        json.loads(_PLACEHOLDER.sub(_escaped('" '), template))
    except (ValueError, RecursionError) as error:
        raise TemplateMalformed.at(field, f"The body is not JSON: {error}.") from error


PLACEHOLDERS = (
    "TITLE", "SEVERITY", "OCCASION", "LOCATION_ID", "LOCATION_NAME", "WORKFLOW_ID", "WORKFLOW_NAME",
    "INCIDENT_ID", "TIME", "LINK", "TEXT", "SUPPRESSED_SINCE_LAST",
)  # fmt: skip


def _values(message: Message) -> Mapping[str, str]:
    content = message.content
    workflow, incident = content.get("workflow") or {}, content.get("incident") or {}
    listed = [line for listing in message.listings for line in listing.lines]
    facts = [f"{fact.label}: {fact.text}" for fact in message.facts]
    values = (
        message.title, message.severity, message.occasion, content.get("location_id", ""), message.location_name,
        workflow.get("id", ""), workflow.get("name", ""), incident.get("incident_id", ""),
        rfc3339(message.occurred_at), message.link, "\n".join([*facts, *listed]),
        str(message.suppressed_since_last),
    )  # fmt: skip
    return dict(zip(PLACEHOLDERS, values, strict=True))


def _escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
