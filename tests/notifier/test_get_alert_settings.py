from libs.contracts.notifier.v1 import notifier_pb2 as pb
from tests.notifier.builders import SECONDS, configure, refused_as, settings_of


async def test_a_location_that_was_never_configured_has_the_defaults(notifier):
    settings = await settings_of(notifier)

    assert {each.level for each in settings.origins} == {pb.SETTINGS_LEVEL_BUILT_IN}
    del settings.origins[:]
    assert settings == pb.AlertSettings(
        location_id="loc-1",
        enabled=True,
        failure_threshold=3,
        time_window_hours=24,
        alert_on_critical=True,
        timezone="America/Chicago",
        quiet_hours=pb.QuietHours(),
        quiet_hours_hold_critical=False,
        scan_summary=pb.SCAN_SUMMARY_ALWAYS,
        critical_reminder_minutes=240,
        reminder_minutes=1440,
        update_interval_minutes=60,
        configured=False,
        etag="v0",
    )
    assert not settings.HasField("created_at")
    assert not settings.HasField("alert_email")


async def test_asking_for_settings_does_not_make_any(notifier):
    await settings_of(notifier)

    listed = await notifier.ListEffectiveSettings(
        pb.ListEffectiveSettingsRequest(), timeout=SECONDS
    )

    assert not listed.settings


async def test_settings_of_another_location_are_not_seen(notifier):
    await configure(notifier, "loc-2", failure_threshold=7)

    assert (await settings_of(notifier)).failure_threshold == 3
    assert (await settings_of(notifier, "loc-2")).failure_threshold == 7


async def test_a_request_without_a_location_is_refused(notifier):
    for location_id in ("", "  ", "a\x00b", "x" * 201):
        with refused_as("LOCATION_MISSING"):
            await settings_of(notifier, location_id)
