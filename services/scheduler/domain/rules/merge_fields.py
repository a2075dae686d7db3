"""The rule on merge fields."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from services.scheduler.domain.definition import Step
from services.scheduler.domain.definition.messages import said_by
from services.scheduler.domain.definition.values import words
from services.scheduler.domain.definition.vocabulary import SENDS
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from services.scheduler.domain.rules.rule import ListsMissing, Sighting, at, live_steps, rule

NO_LISTS = References()
STANDARD_FIELDS = words(
    """
    id name first_name last_name full_name name_without_spaces email phone phone_raw phone_formatted
    raw_phone company company_name full_address address address1 city state country postal_code
    timezone date_of_birth birthday dob source lead_source website tags type contact_type dnd
    created_at date_created date_added updated_at date_updated last_activity last_activity_date
    assigned_to assigned_user owner user location_id attribution_source last_attribution_source
    attributionSource lastAttributionSource first_attribution last_attribution gender ssn keyword
    image image_url photo profile_photo business_name business followers notes note score
    engagement_score opportunity_name pipeline_stage referral_code affiliate_id unsubscribe_link
    """
)
_FIELD = re.compile(r"\{\{\s*(contact|custom_values)\.([\w.\-]{1,200})\s*\}\}")
_NAMESPACES = "contact|custom_values|location|user|appointment|opportunity|calendar|message|invoice"
_OPEN = re.compile(rf"\{{\{{\s*(?:{_NAMESPACES})\.[\w.]{{1,200}}+\s*(?:\}}(?!\}})|$|[,!?<;])")
_CLOSED = re.compile(rf"(?<!\{{)\{{\s*(?:{_NAMESPACES})\.[\w.]{{1,200}}\s*\}}\}}")


@rule(
    "GHL227",
    "Merge field that resolves to nothing",
    severity=Severity.WARNING,
    penalty=12,
    needs={Evidence.DEFINITION},
    remedy="Create or fill the custom value, or correct the key of the field.",
    consults={Evidence.REFERENCES},
    basis="HighLevel puts nothing in its place, or sends the braces, and the contact reads it.",
)
def unresolved(workflow: WorkflowEvidence, location: LocationEvidence) -> Iterator[Sighting]:
    """A message names a custom value or contact field that the location does not have or has empty.

    Also where braces do not pair up, or a `.custom.` stands in the field, which HighLevel does not
    know.
    """
    lists, unread = location.references or NO_LISTS, set[str]()
    seen = False
    for _, step in live_steps(workflow):
        if step.type in SENDS and (wrong := _first_wrong(step, lists, unread)):
            seen = True
            yield at(step, wrong)
    if unread and not seen:
        raise ListsMissing(unread)


def _first_wrong(step: Step, lists: References, unread: set[str]) -> str:
    for part, text in said_by(step):
        if "{" not in text:
            continue
        if broken := _OPEN.search(text) or _CLOSED.search(text):
            return f"has braces that do not pair up in its {part}: “{broken[0][:60]}”."
        for namespace, field in _FIELD.findall(text):
            if wrong := _wrong(namespace, field, lists, unread):
                return f"uses {{{{{namespace}.{field[:60]}}}}} in its {part}, {wrong}."
    return ""


def _wrong(namespace: str, field: str, lists: References, unread: set[str]) -> str:
    if ".custom." in f".{field}.":
        return "which HighLevel does not know: no field has .custom. in it"
    if namespace == "custom_values":
        return _wrong_value(f"custom_values.{field}", lists.custom_values, unread)
    return _wrong_field(field, lists.custom_fields, unread)


def _wrong_value(key: str, filled: Mapping[str, bool] | None, unread: set[str]) -> str:
    if filled is None:
        unread.add("custom values")
        return ""
    if key not in filled:
        return "which is none of the location's custom values"
    return "" if filled[key] else "which is empty"


def _wrong_field(field: str, known: AbstractSet[str] | None, unread: set[str]) -> str:
    """Judges fields of one word only: what lies below them we do not know."""
    if field in STANDARD_FIELDS or "." in field:
        return ""
    if known is None:
        unread.add("custom fields")
        return ""
    if f"contact.{field}" in known or field in known:
        return ""
    return "which is neither a standard field nor one of the location's"
