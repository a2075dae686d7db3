"""The lists of a location: where each is, and what is read of an entry."""

from dataclasses import replace

from services.scheduler.ghl.paging import LOCATION, ListOf, Paging
from services.scheduler.ghl.reading import Fields, entries, identifier, moment, text, whole
from services.scheduler.ghl.values import (
    ApiVersion,
    CustomField,
    CustomValue,
    PhoneNumber,
    Pipeline,
    Reference,
    Resource,
    Template,
    User,
    WorkflowMetadata,
)


def _workflow(fields: Fields) -> WorkflowMetadata | None:
    workflow_id = identifier(fields)
    if not workflow_id:
        return None
    return WorkflowMetadata(
        id=workflow_id,
        name=text(fields, "name"),
        status=text(fields, "status"),
        version=whole(fields, "version"),
        created_at=moment(fields, "createdAt"),
        updated_at=moment(fields, "updatedAt"),
    )


def _reference(fields: Fields) -> Reference | None:
    found = identifier(fields)
    return Reference(found, text(fields, "name")) if found else None


def _user(fields: Fields) -> User | None:
    found = identifier(fields)
    return User(found, text(fields, "name"), fields.get("deleted") is True) if found else None


def _template(fields: Fields) -> Template | None:
    found = identifier(fields)
    return Template(found, text(fields, "name"), text(fields, "type")) if found else None


def _custom_field(fields: Fields) -> CustomField | None:
    found, key = identifier(fields), _merge_key(fields)
    if not (found and key):
        return None
    return CustomField(
        found, text(fields, "name"), key, text(fields, "model"), text(fields, "dataType")
    )


def _custom_value(fields: Fields) -> CustomValue | None:
    found, key = identifier(fields), _merge_key(fields)
    if not (found and key):
        return None
    value = fields.get("value")
    filled = bool(value.strip()) if isinstance(value, str) else value is not None
    return CustomValue(found, text(fields, "name"), key, filled)


def _pipeline(fields: Fields) -> Pipeline | None:
    found, listed = identifier(fields), fields.get("stages")
    stages = [_reference(each) if isinstance(each, dict) else None for each in entries(listed)]
    # With a stage unread, a step that moves a contact there would look broken.
    if not found or not isinstance(listed, list) or None in stages:
        return None
    return Pipeline(found, text(fields, "name"), tuple(each for each in stages if each))


def _phone_number(fields: Fields) -> PhoneNumber | None:
    number = identifier(fields, "phoneNumber", "number")
    return PhoneNumber(number, text(fields, "friendlyName"), _can_text(fields)) if number else None


def _can_text(fields: Fields) -> bool | None:
    """Reads `{"sms": true}`, `{"SMS": true}` and `["SMS"]`."""
    capabilities = fields.get("capabilities")
    if isinstance(capabilities, dict):
        named = [able for name, able in capabilities.items() if name.lower() == "sms"]
        return named[0] is True if named else None
    if isinstance(capabilities, list):
        return any(isinstance(each, str) and each.lower() == "sms" for each in capabilities)
    return None


def _merge_key(fields: Fields) -> str:
    """Gives `custom_values.link` for `{{ custom_values.link }}`."""
    return text(fields, "fieldKey").strip("{} ")


WORKFLOWS = ListOf(
    resource=Resource.WORKFLOWS,
    path="/workflows/",
    key="workflows",
    read=_workflow,
    version=ApiVersion.CLASSIC,
    query={"locationId": LOCATION},
)
WORKFLOWS_V3 = replace(WORKFLOWS, version=ApiVersion.V3)
TAGS = ListOf(
    resource=Resource.TAGS,
    path=f"/locations/{LOCATION}/tags",
    key="tags",
    read=_reference,
)
CUSTOM_FIELDS = ListOf(
    resource=Resource.CUSTOM_FIELDS,
    path=f"/locations/{LOCATION}/customFields",
    key="customFields",
    read=_custom_field,
    query={"model": "all"},  # without it the fields of opportunities are left out
)
CUSTOM_VALUES = ListOf(
    resource=Resource.CUSTOM_VALUES,
    path=f"/locations/{LOCATION}/customValues",
    key="customValues",
    read=_custom_value,
)
TEMPLATES = ListOf(
    resource=Resource.TEMPLATES,
    path=f"/locations/{LOCATION}/templates",
    key="templates",
    read=_template,
    query={"originId": LOCATION},
    paging=Paging.SKIP,
    total="totalCount",
)
PIPELINES = ListOf(
    resource=Resource.PIPELINES,
    path="/opportunities/pipelines",
    key="pipelines",
    read=_pipeline,
    query={"locationId": LOCATION},
)
CALENDARS = ListOf(
    resource=Resource.CALENDARS,
    path="/calendars/",
    key="calendars",
    read=_reference,
    query={"locationId": LOCATION},
)
FORMS = ListOf(
    resource=Resource.FORMS,
    path="/forms/",
    key="forms",
    read=_reference,
    query={"locationId": LOCATION},
    paging=Paging.SKIP,
    page_size=50,
)
PHONE_NUMBERS = ListOf(
    resource=Resource.PHONE_NUMBERS,
    path=f"/phone-system/numbers/location/{LOCATION}",
    key="numbers",
    read=_phone_number,
    query={"skipNumberPool": "false"},  # numbers of a pool send texts, too
    paging=Paging.NUMBER,
    page_size=1000,
)


def users_of(company_id: str) -> ListOf[User]:
    """Gives the list of a location's users, which is asked for by agency."""
    return ListOf(
        resource=Resource.USERS,
        path="/users/search",
        key="users",
        read=_user,
        query={"companyId": company_id, "locationId": LOCATION},
        paging=Paging.SKIP,
        total="count",
    )
