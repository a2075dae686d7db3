"""GHL225 and GHL227: what must fire each, and the nearest that must not."""

import pytest

from services.scheduler.domain.evidence import LocationEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import defined, found_in, lacking_in

GONE = "gOn3xX7Qm2Xw7Lp3Vt8Z"


def with_lists(**lists):
    return LocationEvidence(location_id="loc-1", references=References(**lists))


ALL_EMPTY = with_lists(
    users=frozenset(),
    pipelines=frozenset(),
    stages=frozenset(),
    calendars=frozenset(),
    custom_fields=frozenset(),
    templates=frozenset(),
    workflows=frozenset(),
)


@pytest.mark.parametrize(
    ("step", "list_name"),
    [
        (e.assign(GONE), "users"),
        (e.notify(), "users"),
        (e.step("internal-add-opportunity-owner", user=GONE), "users"),
        (e.step("create_opportunity", pipeline_id=GONE), "pipelines"),
        (
            e.step(
                "internal_update_opportunity",
                __customInputFields__=[{"filterField": "pipelineStageId", "value": GONE}],
            ),
            "stages",
        ),
        (e.step("appointment_booking", calendarId=GONE), "calendars"),
        (e.update_field(GONE), "custom fields"),
        (e.step("email", subject="Hi", templateId=GONE), "templates"),
        (e.add_to_workflow(), "workflows"),
        (e.remove_from_workflow(), "workflows"),
    ],
)
def test_a_reference_to_something_that_is_gone_is_found(step, list_name):
    (finding,) = found_in(defined([step]), "GHL225", ALL_EMPTY)

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 35)
    assert finding.evidence.endswith(f"which is not among the {list_name}.")
    assert lacking_in(defined([step]), "GHL225") == f"the location's {list_name}"


@pytest.mark.parametrize(
    "step",
    [
        e.step("task-notification", assignedTo="assigned_user"),
        e.step("assign_user", user_list=["{{opportunity.assignedTo}}"]),
        e.update_field("first_name"),
        e.step("sms", body="Hi", template_id="0"),
        e.step("create_opportunity", pipeline_id={"odd": GONE}),
        e.step("acme-app-action", recipient=GONE),
    ],
)
def test_what_does_not_look_like_an_id_is_no_reference(step):
    assert found_in(defined([step]), "GHL225", ALL_EMPTY) == []


def test_references_that_are_there_are_fine():
    lists = with_lists(users=frozenset({e.USER}), custom_fields=frozenset({e.FIELD}))

    assert found_in(defined([e.assign(e.USER), e.update_field()]), "GHL225", lists) == []


LISTS = with_lists(
    custom_fields=frozenset({"contact.plan"}),
    custom_values={"{{ custom_values.link }}": True, "custom_values.empty": False},
)


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{contact.frist_name}}",
        "{{ custom_values.gone }}",
        "{{custom_values.empty}}",
        "{{contact.custom.plan}}",
        "Hi {{contact.first_name}",
        "Hi {{ contact.first_name, welcome",
        "Hi {contact.first_name}}!",
        "Hi {{contact.first_name",
    ],
)
def test_a_merge_field_that_resolves_to_nothing_is_found(text):
    for step in (e.sms(text), e.email(text), e.email("Hi", f"<p>{text}</p>")):
        (finding,) = found_in(defined([step]), "GHL227", LISTS)
        assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{contact.first_name}} {{ contact.plan }} {{custom_values.link}}",
        "{{user.name}} {{appointment.start_time}} {{contact.attributionSource.url}}",
        "{{ contact.first_name | default: 'friend' }}",
        "<style>@media print{p{color:red}}</style>",
        '{"a": {"b": {"c": 1}}}',
        "{{{ odd }}} {single} }} {{",
        "",
    ],
)
def test_a_merge_field_that_is_there_and_other_braces_are_fine(text):
    assert found_in(defined([e.email("Hi", text)]), "GHL227", LISTS) == []


def test_what_is_wrong_in_itself_needs_no_lists():
    assert found_in(defined([e.sms("{{contact.custom.x}}")]), "GHL227")
    assert found_in(defined([e.sms("Hi {{contact.first_name}}")]), "GHL227") == []
    assert (
        lacking_in(defined([e.sms("{{contact.plan}}")]), "GHL227") == "the location's custom fields"
    )
    assert "custom values" in lacking_in(defined([e.sms("{{custom_values.x}}")]), "GHL227")
