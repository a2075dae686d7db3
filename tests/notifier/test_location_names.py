"""Messages call a location by its name, as of the moment they are sent."""

import json

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    SECONDS,
    a_failing_event,
    a_low_score,
    caught,
    configure,
    refused_as,
    report,
    settings_of,
)
from tests.notifier.targets import add_target
from tests.support.waiting import eventually


async def the_mail(notifier):
    (mail,) = await eventually(lambda: caught(notifier))
    return mail


async def test_a_mail_says_at_once_which_location_it_is(notifier):
    await configure(notifier, alert_email=EMAIL, location_name="Acme\r\nDental")

    await report(notifier, a_failing_event())

    mail = await the_mail(notifier)
    assert mail.subject == "[CRITICAL] Acme Dental: Lead follow-up failed 3× in 24 h"
    assert "\nLocation: Acme Dental (loc-1)\n" in mail.text
    assert "CRITICAL · Acme Dental</div>" in mail.html


async def test_programs_get_the_name_beside_the_id(delivering, hook):
    await configure(delivering, webhook_url=hook.url, location_name="Acme Dental")
    template = '{"at": "$LOCATION_NAME ($LOCATION_ID)"}'
    await add_target(delivering, "webhook", f"{hook.url}own", body_template=template)

    await report(delivering, a_failing_event())

    await eventually(lambda: len(hook.requests) == 2)
    bodies = {each.path: json.loads(each.body) for each in hook.requests}
    assert bodies["/"]["data"]["location"] == {"id": "loc-1", "name": "Acme Dental"}
    assert bodies["/own"] == {"at": "Acme Dental (loc-1)"}


async def test_many_locations_in_one_mail_are_told_apart_by_their_names(notifier):
    await configure(notifier, installation=True, alert_email=EMAIL)
    await configure(notifier, location_name="Acme Dental")
    await report(notifier, a_failing_event(), a_failing_event(location_id="loc-2"))

    mail = await the_mail(notifier)

    assert mail.subject == "[CRITICAL] Lead follow-up failed 3× in 24 h (+1)"
    assert "- [CRITICAL] Acme Dental: Lead follow-up failed 3× in 24 h" in mail.text
    assert "- [CRITICAL] loc-2: Lead follow-up failed 3× in 24 h" in mail.text


async def test_a_fold_of_one_location_has_its_name_in_the_subject(notifier):
    await configure(notifier, alert_email=EMAIL, location_name="Acme Dental")

    await report(notifier, a_low_score("wf-1"), a_low_score("wf-2"))

    mail = await the_mail(notifier)
    assert mail.subject.startswith("[WARNING] Acme Dental: Lead follow-up")


async def test_a_test_looks_like_an_alert(notifier):
    await configure(notifier, alert_email=EMAIL, location_name="Acme Dental")

    request = pb.SendTestAlertRequest(location_id="loc-1")
    await notifier.SendTestAlert(request, timeout=SECONDS)

    mail = await the_mail(notifier)
    assert mail.subject == "[TEST] Acme Dental: Runwarden can reach you"


async def test_a_name_that_is_cleared_is_shown_no_more(notifier):
    await configure(notifier, alert_email=EMAIL, location_name="Acme Dental")
    named = (await settings_of(notifier)).location_name
    await configure(notifier, location_name=None)

    await report(notifier, a_failing_event())

    mail = await the_mail(notifier)
    assert named == "Acme Dental"
    assert mail.subject == "[CRITICAL] Lead follow-up failed 3× in 24 h"
    assert "\nLocation: loc-1\n" in mail.text


@pytest.mark.parametrize("place", [{"workflow_id": "wf-1"}, {"installation": True}])
async def test_only_a_location_has_a_name(notifier, place):
    with refused_as("LOCATION_NAME_MISPLACED"):
        await configure(notifier, location_name="Acme Dental", **place)
