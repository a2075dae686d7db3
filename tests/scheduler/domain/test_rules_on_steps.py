"""GHL221 to GHL232: the smallest workflow that fires each, and the nearest that must not."""

import pytest

from services.scheduler.domain.evidence import LocationEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.references import References
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import a_location, defined, found_in, lacking_in

GONE = "gOn3xX7Qm2Xw7Lp3Vt8Z"


def with_lists(**lists):
    return LocationEvidence(location_id="loc-1", references=References(**lists))


def event_wait(kind="reply", **attributes):
    return e.step("wait", "Wait", type=kind, **attributes)


@pytest.mark.parametrize("kind", ["reply", "condition", "email_event", "trigger_link"])
def test_a_wait_for_an_event_without_timeout_is_found(kind):
    (finding,) = found_in(defined([e.sms(), event_wait(kind), e.notify()]), "GHL221")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 18)


def test_it_is_worse_when_a_message_follows_that_never_goes_out():
    (reply,) = found_in(defined([event_wait(), e.notify(), e.email()]), "GHL221")
    (gate,) = found_in(defined([event_wait("condition"), e.email()]), "GHL221")

    assert (reply.severity, reply.penalty) == (Severity.CRITICAL, 27)
    assert (gate.severity, gate.penalty) == (Severity.WARNING, 18)


@pytest.mark.parametrize(
    "step",
    [
        e.wait_for_reply([e.sms()], [e.email()]),
        event_wait(startAfter={"type": "days", "value": 2}),
        event_wait(timeout={"value": 2}),
        event_wait(time_out_after=3),
        event_wait(transitions=[{"id": "t", "condition": "timeout"}]),
        event_wait("time", startAfter={"value": 1}),
        event_wait("acme-event"),
        event_wait(None),
        event_wait({"odd": 1}),
        {"type": "wait", "name": "Wait", "attributes": {}},
        e.step("acme-wait", type="reply"),
    ],
)
def test_a_wait_with_a_timeout_or_for_something_else_is_fine(step):
    assert found_in(defined([step]), "GHL221") == []


def timed(**attributes):
    return defined([e.step("wait", "Wait", type="time", transitions=[], **attributes), e.sms()])


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"startAfter": None},
        {"startAfter": {}},
        {"startAfter": {"type": "days", "when": "after"}},
        {"startAfter": {"type": "days", "value": 0}},
        {"startAfter": {"type": "days", "value": ""}},
        {"startAfter": {"type": "days", "value": "-1"}},
        {"startAfter": {"type": "days", "value": "soon"}},
        {"startAfter": {"value": 0, "distributed": {"days": 0}}},
        {"windowCondition": {}},
    ],
)
def test_a_wait_without_a_length_is_found(attributes):
    (finding,) = found_in(timed(**attributes), "GHL222")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 40)


@pytest.mark.parametrize(
    "attributes",
    [
        {"startAfter": {"type": "minutes", "value": 1}},
        {"startAfter": {"type": "hour", "value": "0.5"}},
        {"startAfter": {"value": "{{custom_values.days}}"}},
        {"startAfter": {"value": 0, "distributed": {"hours": 2}}},
        {"startAfter": {"value": {"odd": 1}}},
        {"startAfter": [1]},
        {"startAfter": {}, "window": {"start": "09:00", "days": [1]}},
        {"specificDate": "2027-01-01"},
    ],
)
def test_a_wait_with_a_length_or_for_something_we_do_not_know_is_fine(attributes):
    assert found_in(timed(**attributes), "GHL222") == []


def test_other_waits_and_waits_without_attributes_are_fine():
    bare = {"type": "wait", "name": "Wait", "attributes": None}

    assert found_in(defined([e.wait_for_appointment(), e.wait()]), "GHL222") == []
    assert found_in(defined([e.sms()], workflowData={"templates": [bare]}), "GHL222") == []


NO_RECIPIENT = {"subject": "New", "html": "x"}


@pytest.mark.parametrize(
    ("step", "lacking"),
    [
        (e.email(subject=" "), "subject"),
        (e.email(html=""), "content"),
        (e.step("email", template_id="0"), "content"),
        (e.sms(body=None), "text and no attachment"),
        (e.webhook(url=""), "address"),
        (e.custom_webhook(url=None), "address"),
        (e.add_tag(), "tag"),
        (e.step("remove_contact_tag", tags=[""]), "tag"),
        (e.step("update_contact_field", fields=[]), "field"),
        (e.step("internal_notification", type="email", email=NO_RECIPIENT), "recipient"),
        (e.step("internal_notification", type="sms", sms={"body": "x"}), "recipient"),
        (
            e.step(
                "internal_notification", type="sms", sms={"userType": "user", "selectedUser": ""}
            ),
            "recipient",
        ),
        (e.step("goto", type="goto"), "target"),
        (e.step("add_to_workflow", workflow_id=[]), "workflow"),
    ],
)
def test_a_step_without_what_it_needs_is_found(step, lacking):
    (finding,) = found_in(defined([step]), "GHL223")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert finding.evidence.endswith(f"has no {lacking}.")


@pytest.mark.parametrize(
    "step",
    [
        e.email(),
        e.step("email", subject="", templateId="t-1"),
        e.step("email", template={"id": "t-1"}),
        e.step("email", subject="Hi", body="plain"),
        e.step("sms", body="", attachments=["https://x.net/a.png"]),
        e.step("sms", message="Hi"),
        e.custom_webhook(url=None, event="SLACK"),
        e.add_tag("one"),
        e.step("update_contact_field", field="x", value=1),
        e.notify(),
        e.step("internal_notification", type="sms", sms={"userType": "assign", "body": "x"}),
        e.step("internal_notification", type="sms", body="of another shape"),
        e.step("internal_notification"),
        e.step("add_to_workflow", workflowId="wf-2"),
        {"type": "email", "name": "inline", "attributes": None},
        e.step("acme-email"),
    ],
)
def test_a_step_with_what_it_needs_or_of_unknown_shape_is_fine(step):
    content = {**step, "attributes": step["attributes"]} if step["attributes"] else None
    workflow = defined([content]) if content else defined([], workflowData={"templates": [step]})
    if step["type"] == "internal_notification" and not step["attributes"]:
        workflow = defined([], workflowData={"templates": [step]})

    assert found_in(workflow, "GHL223") == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:3000",
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.7",
        "172.31.1.1",
        "192.168.0.1",
        "[::1]",
        "0.0.0.0",
        "a.ngrok.io",
        "b.ngrok-free.app",
        "c.trycloudflare.com",
        "webhook.site",
        "x.requestbin.com",
        "en1.x.pipedream.net",
        "printer.local",
        "LOCALHOST",
    ],
)
def test_a_webhook_to_a_test_or_local_address_is_found(host):
    (finding,) = found_in(defined([e.webhook(f"https://{host}/in")]), "GHL224")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)


def test_a_webhook_without_encryption_is_a_warning():
    (finding,) = found_in(defined([e.custom_webhook("http://api.northwind-crm.net/x")]), "GHL224")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 15)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.northwind-crm.net/local",
        "https://eo1.m.pipedream.net",
        "https://mangrok.com/localhost",
        "https://172.32.0.1/x",
        "https://8.8.8.8/x",
        "{{custom_values.url}}/in",
        "https://{{custom_values.host}}/in",
        "http://{{custom_values.host}}:8080/in",
        "hooks.northwind-crm.net/in",
        "https://[broken/in",
        "https://x.net:port/in",
        "",
        {"odd": 1},
    ],
)
def test_a_webhook_to_a_public_or_unknown_address_is_fine(url):
    assert found_in(defined([e.webhook(url)]), "GHL224") == []


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


@pytest.mark.parametrize(
    "step",
    [
        e.assign(),
        e.step("assign_user"),
        e.step("internal-add-opportunity-owner", user=""),
        e.step("assign_user", user_list=[""], customUserList=""),
    ],
)
def test_an_assignment_to_nobody_is_found(step):
    workflow = defined([], workflowData={"templates": [step]})
    (finding,) = found_in(workflow, "GHL226")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)


@pytest.mark.parametrize(
    "step",
    [
        e.assign(e.USER),
        e.step("assign_user", user_list=[], customUserList="{{opportunity.assignedTo}}"),
        e.step("assign_user", userId="x"),
        {"type": "assign_user", "name": "inline"},
        e.step("remove_assigned_user"),
    ],
)
def test_an_assignment_to_someone_or_of_unknown_shape_is_fine(step):
    assert found_in(defined([], workflowData={"templates": [step]}), "GHL226") == []


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


@pytest.mark.parametrize(
    "text",
    [
        "Lorem ipsum dolor sit",
        "TODO: write this",
        "Our offer [TODO]",
        "The price is TBD",
        "Hi [NAME]",
        "Hi [FIRST NAME],",
        "Click [INSERT LINK]",
        "Call xxx-xxx-xxxx",
        "See https://example.com/offer",
    ],
)
def test_a_placeholder_in_a_live_message_is_found(text):
    for step in (e.sms(text), e.email("Hi", f"<b>{text}</b>")):
        (finding,) = found_in(defined([step]), "GHL228")
        assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)


@pytest.mark.parametrize(
    "text",
    [
        "¡TODO incluido! Tu cita es mañana.",
        "Love, Anna xxx",
        "Size XXL or XXXL?",
        "Super Bowl XXX",
        "Our [new] menu [pdf]",
        "Insert coin to play",
        "<p class='xxxxx todo'>Hi</p>",
        "See https://my-example.com/offer",
        "An example.command",
    ],
)
def test_a_text_that_only_looks_like_one_is_fine(text):
    assert found_in(defined([e.sms(text)]), "GHL228") == []


def test_a_placeholder_in_a_draft_or_a_note_is_fine():
    assert found_in(defined([e.sms("TBD")], status="draft"), "GHL228") == []
    assert found_in(defined([e.step("add_notes", body="TBD")]), "GHL228") == []
    assert lacking_in(defined([e.sms("TBD")], status="odd"), "GHL228") == "whether it is published"


KEY = "k9X2mQ7w" * 4


@pytest.mark.parametrize(
    "step",
    [
        e.custom_webhook(headers=[{"key": "Authorization", "value": f"Bearer {KEY}"}]),
        e.custom_webhook(headers={"key": "X-Api-Key", "value": KEY}),
        e.custom_webhook(parameters=[{"key": "access_token", "value": KEY}]),
        e.webhook(f"https://hooks.northwind-crm.net/in?secret={KEY}"),
        e.webhook(
            "https://x.net",
        )
        | {"attributes": {"url": "https://x.net", "headers": [{"name": "token", "value": KEY}]}},
        e.custom_webhook(
            authorization={"type": "BASIC_AUTH", "data": {"user": "a", "password": KEY}}
        ),
        e.step("custom_code", code=f"fetch(u, {{headers: {{a: 'Bearer {KEY}'}}}})"),
        e.step("custom_code", code=f"const k = 'sk_live_{KEY}'"),
        e.step("custom_code", code="const k = 'pit-0f1e2d3c-1111-4222-8333-444455556666'"),
    ],
)
def test_a_secret_in_clear_text_is_found_and_never_shown(step):
    (finding,) = found_in(defined([step]), "GHL229")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert KEY not in repr(finding)
    assert "0f1e2d3c" not in repr(finding)


@pytest.mark.parametrize(
    "step",
    [
        e.custom_webhook(
            headers=[{"key": "Authorization", "value": "Bearer {{custom_values.key}}"}]
        ),
        e.custom_webhook(
            headers=[{"key": "Content-Type", "value": "application/json; v=2a3b4c5d6e"}]
        ),
        e.custom_webhook(headers=[{"key": "X-Request-Id", "value": KEY}]),
        e.custom_webhook(headers=[{"key": "X-Api-Key", "value": "****************"}]),
        e.custom_webhook(headers=["odd", {"key": None}]),
        e.custom_webhook(authorization={"type": "BEARER_TOKEN", "data": {"keyId": KEY}}),
        e.custom_webhook(authorization="odd"),
        e.webhook("https://hooks.northwind-crm.net/in?key=newsletter&campaign=" + KEY),
        e.webhook(f"https://hooks.zapier-like.net/catch/{KEY}"),
        e.webhook("https://watch.agency.net/executions?key=rw_ingest_" + KEY),
        e.webhook()
        | {
            "attributes": {
                "url": "https://x.net",
                "headers": [{"key": "Authorization", "value": f"Bearer rw_ingest_{KEY}"}],
            }
        },
        e.step("custom_code", code="// needs a bearer token-from-the-authorization-server"),
        e.sms(f"Bearer {KEY}"),
    ],
)
def test_what_is_no_secret_or_meant_to_stand_there_is_fine(step):
    assert found_in(defined([step]), "GHL229") == []


def test_an_opportunity_step_without_an_opportunity_is_found():
    (finding,) = found_in(defined([e.sms(), e.update_opportunity()]), "GHL230")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 12)


@pytest.mark.parametrize(
    ("steps", "triggers"),
    [
        ([e.update_opportunity()], [e.trigger("pipeline_stage_updated")]),
        ([e.update_opportunity()], [e.FORM_SENT, e.trigger("opportunity_created")]),
        ([e.update_opportunity()], [e.trigger("acme.event")]),
        ([e.create_opportunity(), e.update_opportunity()], [e.FORM_SENT]),
        ([e.find_opportunity([e.update_opportunity()], [])], [e.FORM_SENT]),
        ([e.sms()], []),
    ],
)
def test_an_opportunity_step_after_one_is_fine(steps, triggers):
    assert found_in(defined(steps, triggers), "GHL230") == []


def test_who_is_started_by_others_may_bring_an_opportunity():
    assert "what starts it" in lacking_in(defined([e.update_opportunity()], []), "GHL230")


SEQUENCE = [e.sms(), e.wait(), e.email(), e.wait(), e.sms()]
LEADS = [e.trigger("contact_created", ("contact.source", "==", "ad"))]


def test_outreach_that_does_not_stop_on_reply_is_found():
    workflow = defined(SEQUENCE, LEADS, stopOnResponse=False)
    (finding,) = found_in(workflow, "GHL231", a_location(workflow))

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 10)
    assert finding.evidence.startswith("Up to 3 messages")


@pytest.mark.parametrize(
    ("steps", "triggers", "stops"),
    [
        (SEQUENCE, LEADS, True),
        (SEQUENCE, LEADS, None),
        (SEQUENCE[:3], LEADS, False),
        ([e.sms(), e.email(), e.sms()], LEADS, False),
        ([e.email(), e.wait(), e.email(), e.wait(), e.email()], LEADS, False),
        ([e.if_else("?", [e.sms(), e.wait()], [e.sms(), e.wait(), e.email()])], LEADS, False),
        (SEQUENCE, [e.trigger("appointment", ("calendar.id", "==", "x"))], False),
        (SEQUENCE, [e.trigger("acme.event")], False),
        ([*SEQUENCE, e.goal()], LEADS, False),
        ([*SEQUENCE, e.wait_for_reply([], [])], LEADS, False),
    ],
)
def test_outreach_that_stops_or_is_none_is_fine(steps, triggers, stops):
    workflow = defined(steps, triggers, stopOnResponse=stops)

    assert found_in(workflow, "GHL231", a_location(workflow)) == []


def test_another_workflow_may_take_out_who_replies():
    workflow = defined(SEQUENCE, LEADS, stopOnResponse=False)
    handler = e.definition(
        [e.remove_from_workflow("wf-1")], [e.trigger("customer_reply")], _id="wf-2"
    )

    assert found_in(workflow, "GHL231", a_location(workflow, handler)) == []
    assert "other workflows" in lacking_in(workflow, "GHL231")


def test_a_first_text_without_opt_out_is_an_info():
    workflow = defined([e.sms("Hi there"), e.wait(), e.sms("Still there?")], LEADS)
    (finding,) = found_in(workflow, "GHL232")

    assert (finding.severity, finding.penalty) == (Severity.INFO, 4)


@pytest.mark.parametrize(
    "text", ["Reply STOP", "Text stop to end", "opt-out any time", "Responde BAJA"]
)
def test_a_first_text_that_says_how_to_opt_out_is_fine(text):
    assert found_in(defined([e.sms(text), e.sms("More")], LEADS), "GHL232") == []


def test_an_answer_to_what_the_contact_did_needs_no_opt_out():
    booked = [e.trigger("appointment", ("calendar.id", "==", "x"))]

    assert found_in(defined([e.sms("Hi there")], booked), "GHL232") == []
    assert found_in(defined([e.email()], LEADS), "GHL232") == []
    assert lacking_in(defined([e.sms("Hi")], []), "GHL232") == "what starts it"
