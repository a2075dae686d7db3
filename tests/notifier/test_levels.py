"""Workflow over location over installation, for every value, cleared ones too."""

import pytest

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import (
    EMAIL,
    NOBODY,
    SECONDS,
    a_completed_scan,
    a_critical_finding,
    a_failing_event,
    caught,
    configure,
    deliveries_of,
    refused_as,
    report,
    settings_of,
)
from tests.support.waiting import eventually

NIGHT = pb.QuietHours(windows=[pb.QuietWindow(start="22:00", end="07:00", weekdays=range(7))])
VALUES = {
    "enabled": (False, True, False),
    "failure_threshold": (5, 7, 9),
    "time_window_hours": (12, 48, 1),
    "alert_on_critical": (False, True, False),
    "alert_email": ("a@agency.example", "l@agency.example", "w@agency.example"),
    "webhook_url": (NOBODY, NOBODY + "/l", NOBODY + "/w"),
    "timezone": ("Europe/Berlin", "America/New_York", "Asia/Tokyo"),
    "quiet_hours": (NIGHT, pb.QuietHours(), NIGHT),
    "quiet_hours_hold_critical": (True, False, True),
    "scan_summary": (
        pb.SCAN_SUMMARY_ON_CHANGE,
        pb.SCAN_SUMMARY_ALWAYS,
        pb.SCAN_SUMMARY_NEVER,
    ),
    "critical_reminder_minutes": (30, 0, 60),
    "reminder_minutes": (30, 0, 60),
    "update_interval_minutes": (30, 0, 120),
}
LEVELS = [
    pb.SETTINGS_LEVEL_INSTALLATION,
    pb.SETTINGS_LEVEL_LOCATION,
    pb.SETTINGS_LEVEL_WORKFLOW,
]


def places(name, values):
    installation, location, workflow = values
    return [
        ({"installation": True}, {name: installation}),
        ({}, {name: location}),
        ({"workflow_id": "wf-1"}, {name: workflow}),
    ]


def origin(settings, name):
    (found,) = [each.level for each in settings.origins if each.field == name]
    return found


async def holding(notifier, name):
    found = await settings_of(notifier, workflow_id="wf-1")
    return getattr(found, name), origin(found, name)


@pytest.mark.parametrize(("name", "values"), VALUES.items(), ids=VALUES)
async def test_the_nearest_level_that_sets_a_value_decides(notifier, name, values):
    built_in, _ = await holding(notifier, name)

    for level, value, (place, change) in zip(LEVELS, values, places(name, values), strict=True):
        await configure(notifier, **place, **change)
        assert await holding(notifier, name) == (value, level)

    above = [(built_in, pb.SETTINGS_LEVEL_BUILT_IN), *zip(values, LEVELS, strict=True)]
    for place, _ in reversed(places(name, values)):
        above.pop()
        await configure(notifier, **place, **{name: None})
        assert await holding(notifier, name) == above[-1]


async def test_what_would_hold_without_the_level_comes_along(notifier):
    await configure(notifier, installation=True, failure_threshold=5)
    await configure(notifier, failure_threshold=7)
    await configure(notifier, workflow_id="wf-1", failure_threshold=9)

    async def inherited(**request):
        answer = await notifier.GetAlertSettings(
            pb.GetAlertSettingsRequest(**request), timeout=SECONDS
        )
        return answer.inherited.failure_threshold if answer.HasField("inherited") else None

    assert await inherited(location_id="loc-1", workflow_id="wf-1") == 7
    assert await inherited(location_id="loc-1") == 5
    assert await inherited(installation=True) is None


async def test_a_workflow_that_is_off_really_is_off(notifier):
    await configure(notifier, alert_email=EMAIL)
    await configure(notifier, workflow_id="wf-off", enabled=False)

    await report(
        notifier, a_failing_event("wf-off"), a_critical_finding(workflow_id="wf-off"),
        a_failing_event("wf-on"),
    )  # fmt: skip

    on, *off = sorted(await deliveries_of(notifier), key=lambda each: each.suppressed_because)
    assert [each.suppressed_because for each in off] == ["alerts_disabled"] * 2
    assert on.suppressed_because == ""
    mails = await eventually(lambda: caught(notifier))
    assert len(mails) == 1


async def test_a_workflow_may_be_on_where_its_location_is_off(notifier):
    await configure(notifier, alert_email=EMAIL, enabled=False)
    await configure(notifier, workflow_id="wf-on", enabled=True)

    await report(notifier, a_failing_event("wf-on"), a_failing_event("wf-other"))

    (mail,) = await eventually(lambda: caught(notifier))
    assert "wf-on" in mail.text


async def test_muted_scan_criticals_do_not_mute_failures(notifier):
    await configure(notifier, installation=True, alert_on_critical=False)
    await configure(notifier, alert_email=EMAIL)

    await report(notifier, a_failing_event(), a_critical_finding())

    finding, failure = sorted(await deliveries_of(notifier), key=lambda each: each.subject[-9:])
    assert {finding.suppressed_because, failure.suppressed_because} == {
        "critical_alerts_disabled",
        "",
    }


async def test_without_an_address_of_its_own_a_location_tells_that_of_the_installation(notifier):
    await configure(notifier, installation=True, alert_email="boss@agency.example")
    await configure(notifier, "loc-own", alert_email="own@client.example")
    await configure(notifier, "loc-none", alert_email="")

    for location_id in ("loc-any", "loc-own", "loc-none"):
        await report(notifier, a_failing_event(location_id=location_id))

    async def both():
        found = await caught(notifier)
        return {each.recipient for each in found} if len(found) == 2 else None

    assert await eventually(both) == {"boss@agency.example", "own@client.example"}
    (nobody,) = await deliveries_of(notifier, "loc-none")
    assert nobody.suppressed_because == "no_target"


async def test_a_workflow_with_an_address_of_its_own_tells_only_that_one(notifier):
    await configure(notifier, alert_email=EMAIL)
    await configure(notifier, workflow_id="wf-1", alert_email="wf@agency.example")

    await report(notifier, a_failing_event("wf-1"))
    await report(notifier, a_completed_scan())

    async def both():
        found = await caught(notifier)
        return found if len(found) == 2 else None

    mails = await eventually(both)
    told = {each.recipient: each.subject for each in mails}
    assert "failed" in told["wf@agency.example"]
    assert "Scan complete" in told[EMAIL]


async def test_switching_a_workflow_off_suppresses_only_what_waits_of_it(delivering, hook):
    await configure(delivering, webhook_url=hook.url)
    hook.answer_next(503)
    await report(delivering, a_failing_event("wf-1"), a_failing_event("wf-2"))
    await eventually(lambda: hook.requests)

    await configure(delivering, workflow_id="wf-1", enabled=False)

    waiting = {each.suppressed_because for each in await deliveries_of(delivering)}
    assert waiting == {"alerts_disabled", ""}


async def test_switching_the_installation_off_leaves_a_location_that_is_on_by_itself(
    delivering, hook
):
    await configure(delivering, webhook_url=hook.url, enabled=True)
    hook.answer_next(503)
    await report(delivering, a_failing_event())
    await eventually(lambda: hook.requests)

    await configure(delivering, installation=True, enabled=False)

    (still,) = await deliveries_of(delivering)
    assert still.suppressed_because == ""


async def test_each_level_has_a_version_of_its_own(notifier):
    location = (await configure(notifier, failure_threshold=7)).settings
    await configure(notifier, workflow_id="wf-1", failure_threshold=9, etag="v0")

    again = await configure(notifier, failure_threshold=8, etag=location.etag)
    with refused_as("CHANGED_MEANWHILE"):
        await configure(notifier, workflow_id="wf-1", failure_threshold=9, etag="v0")

    assert again.settings.etag == "v2"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timezone": "Mars/Olympus"}, "TIMEZONE_UNKNOWN"),
        ({"timezone": "../../etc/passwd"}, "TIMEZONE_UNKNOWN"),
        ({"critical_reminder_minutes": -1}, "INTERVAL_OUT_OF_RANGE"),
        ({"reminder_minutes": 43_201}, "INTERVAL_OUT_OF_RANGE"),
        ({"update_interval_minutes": -1}, "INTERVAL_OUT_OF_RANGE"),
        ({"scan_summary": 0}, "SCAN_SUMMARY_UNKNOWN"),
        ({"scan_summary": 9}, "SCAN_SUMMARY_UNKNOWN"),
        *(
            ({"quiet_hours": pb.QuietHours(windows=windows)}, "QUIET_HOURS_MALFORMED")
            for windows in (
                [pb.QuietWindow(start="24:00", end="07:00")],
                [pb.QuietWindow(start="T2200", end="07:00")],
                [pb.QuietWindow(start="22:00")],
                [pb.QuietWindow(start="22:00", end="07:00", weekdays=[7])],
                [pb.QuietWindow(start="22:00", end="07:00", weekdays=[-1])],
                [pb.QuietWindow(start="00:00", end="00:00")],
                [pb.QuietWindow(start="22:00", end="07:00")] * 15,
            )
        ),
    ],
)
async def test_values_that_make_no_sense_are_refused_and_change_nothing(notifier, change, reason):
    (field,) = change
    with refused_as(reason) as refusal:
        await configure(notifier, **change)

    assert [each.field for each in refusal.problem.fields] == [f"settings.{field}"]
    assert not (await settings_of(notifier)).configured


async def test_the_installation_is_named_alone(notifier):
    with refused_as("INSTALLATION_HAS_NONE"):
        await settings_of(notifier, installation=True)
    with refused_as("WORKFLOW_MISSING"):
        await configure(notifier, workflow_id="a\x00b", enabled=False)
