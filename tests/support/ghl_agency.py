"""A small agency that could be real: three locations, and things wrong in two of them."""

from collections.abc import Sequence

from tests.support.ghl_state import StandInAgency, StandInLocation

CREATED = "2026-03-02T09:15:00.000Z"
CHANGED = "2026-10-02T08:10:00.000Z"


def demo_agency() -> StandInAgency:
    """Gives the agency, running."""
    agency = StandInAgency()
    _dental(agency)
    _fitness(agency)
    _realty(agency)
    return agency


def a_workflow(workflow_id: str, name: str = "New lead follow-up", **known) -> dict:
    """Gives a workflow as the API knows it: the list shows a part of it."""
    return {
        "id": workflow_id,
        "name": name,
        "status": "published",
        "version": 7,
        "createdAt": CREATED,
        "updatedAt": CHANGED,
        "triggers": [],
        "actions": [],
    } | known


def in_a_row(*steps: dict) -> list[dict]:
    """Links steps, each to the one after it."""
    following = [each["id"] for each in steps[1:]]
    return [step | {"next": after} for step, after in zip(steps, [*following, None], strict=True)]


def a_step(step_id: str, kind: str, name: str, **attributes) -> dict:
    return {"id": step_id, "type": kind, "name": name, "attributes": attributes}


def a_trigger(kind: str, field: str, value: str) -> dict:
    conditions = [{"field": field, "operator": "==", "value": value}]
    return {"id": f"trigger-{kind}", "type": kind, "active": True, "conditions": conditions}


def wait(step_id: str, value: object, unit: str = "hours") -> dict:
    after = {"type": unit, "value": value, "when": "after"}
    return a_step(step_id, "wait", f"Wait {value} {unit}", type="time", startAfter=after)


def sms(step_id: str, body: str) -> dict:
    return a_step(step_id, "sms", "Send SMS", body=body, attachments=[])


def email(step_id: str, subject: str, html: str) -> dict:
    return a_step(step_id, "email", "Send e-mail", subject=subject, html=html)


def _dental(agency: StandInAgency) -> None:
    location = agency.add_location("RiversideDental00001", workflow_api=True)
    _with_lists(location, tags=("new-lead", "booked", "no-show"))
    _add(
        location,
        a_workflow(
            "riverside-lead-follow-up",
            triggers=[a_trigger("contact_tag", "tags", "new-lead")],
            actions=in_a_row(
                sms("s1", "Thanks for asking, {{contact.first_name}}! Reply STOP to opt out."),
                wait("s2", 4),
                email("s3", "Your visit", "<p>Book here: {{custom_values.booking_link}}</p>"),
            ),
        ),
        a_workflow(
            "riverside-reminder",
            "Appointment reminder",
            triggers=[a_trigger("customer_appointment", "calendar.id", "calendar-checkup")],
            actions=in_a_row(wait("r1", ""), sms("r2", "See you tomorrow at TODO!")),
        ),
        a_workflow(
            "riverside-review",
            "Ask for a review",
            triggers=[a_trigger("contact_tag", "tags", "booked")],
            actions=in_a_row(
                a_step("v1", "goto", "Back to the start", targetNodeId="step-that-was-deleted")
            ),
        ),
        a_workflow("riverside-old-promo", "Spring promotion", status="draft", version=2),
    )


def _fitness(agency: StandInAgency) -> None:
    location = agency.add_location(
        "NorthgateFitness0001", name="Northgate Fitness", timezone="Europe/London"
    )
    _with_lists(location, tags=("trial", "member"))
    _add(
        location,
        a_workflow("northgate-trial", "Trial week", version=12),
        a_workflow("northgate-billing", "Card declined", version=3),
        a_workflow("northgate-win-back", "Win back", status="draft", version=1),
    )


def _realty(agency: StandInAgency) -> None:
    location = agency.add_location(
        "HarbourRealty0000001",
        name="Harbour Realty",
        timezone="Australia/Sydney",
        workflow_api=True,
    )
    _with_lists(location, tags=("seller", "buyer"))
    moved = {"pipeline_id": "pipeline-that-was-deleted", "stage": "stage-new"}
    _add(
        location,
        a_workflow(
            "harbour-valuation",
            "Valuation request",
            triggers=[a_trigger("form_submission", "form.id", "form-contact")],
            actions=in_a_row(a_step("h1", "create_opportunity", "Open a deal", **moved)),
        ),
        a_workflow("harbour-open-house", "Open house invitation"),
    )


def _add(location: StandInLocation, *workflows: dict) -> None:
    location.workflows += [each | {"locationId": location.id} for each in workflows]


def _with_lists(location: StandInLocation, tags: Sequence[str]) -> None:
    mine = {"locationId": location.id}
    location.lists |= {
        "tags": [{"id": f"tag-{each}", "name": each} | mine for each in tags],
        "customFields": [
            _field("field-insurance", "Insurance", "contact.insurance", "contact") | mine,
            _field("field-budget", "Budget", "opportunity.budget", "opportunity") | mine,
        ],
        "customValues": [
            _value("value-booking", "booking_link", "https://book.example/visit") | mine,
            _value("value-parking", "parking_note", "") | mine,
        ],
        "templates": [{"id": "template-welcome", "name": "Welcome", "type": "email"} | mine],
        "users": [
            {"id": "user-front-desk", "name": "Front desk", "deleted": False},
            {"id": "user-night-desk", "name": "Night desk", "deleted": True},
        ],
        "pipelines": [
            {
                "id": "pipeline-sales",
                "name": "Sales",
                "stages": [{"id": "stage-new", "name": "New", "position": 0}],
            }
            | mine
        ],
        "calendars": [{"id": "calendar-checkup", "name": "Check-up", "isActive": True} | mine],
        "forms": [{"id": "form-contact", "name": "Contact"} | mine],
        "numbers": [
            {
                "phoneNumber": "+15005550006",
                "friendlyName": "Main line",
                "capabilities": {"voice": True, "sms": True, "mms": False},
            }
        ],
    }


def _field(field_id: str, name: str, key: str, model: str) -> dict:
    return {"id": field_id, "name": name, "fieldKey": key, "dataType": "TEXT", "model": model}


def _value(value_id: str, name: str, value: str) -> dict:
    key = f"{{{{ custom_values.{name} }}}}"
    return {"id": value_id, "name": name, "fieldKey": key, "value": value}
