import pytest

from gateway.access import Scope
from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.problems import InvalidRequest, Overtaken

NAMES = ("enabled", "failure_threshold", "alert_email", "webhook_url")


class ThresholdOutOfRange(InvalidRequest):
    """Choose 1 to 10,000 failures."""

    reason = "THRESHOLD_OUT_OF_RANGE"


def the_settings(**fields):
    return pb.AlertSettings(
        **{
            "location_id": "loc-1",
            "enabled": True,
            "failure_threshold": 3,
            "time_window_hours": 24,
            "alert_on_critical": True,
            "configured": True,
            "etag": "v1",
            "origins": [
                pb.SettingOrigin(field=name, level=pb.SETTINGS_LEVEL_BUILT_IN) for name in NAMES
            ],
        }
        | fields
    )


@pytest.fixture
def notifier(street):
    street.notifier.answers(
        "GetAlertSettings", pb.GetAlertSettingsResponse(settings=the_settings())
    )
    street.notifier.answers(
        "UpdateAlertSettings", pb.UpdateAlertSettingsResponse(settings=the_settings())
    )
    return street.notifier


async def test_the_settings_of_a_location_that_was_never_configured(street, reader, location_id):
    defaults = the_settings(
        configured=False,
        etag="",
        timezone="America/Chicago",
        quiet_hours=pb.QuietHours(),
        scan_summary=pb.SCAN_SUMMARY_ALWAYS,
    )
    street.notifier.answers("GetAlertSettings", pb.GetAlertSettingsResponse(settings=defaults))

    answer = await reader.get("/api/alerts/settings")

    assert answer.status == 200
    assert "ETag" not in answer.headers
    assert answer.body == {
        "location_id": "loc-1",
        "configured": False,
        "enabled": True,
        "failure_threshold": 3,
        "time_window_hours": 24,
        "alert_on_critical": True,
        "alert_email": None,
        "webhook_url": None,
        "timezone": "America/Chicago",
        "quiet_hours": [],
        "quiet_hours_hold_critical": None,
        "scan_summary": "always",
        "critical_reminder_minutes": None,
        "reminder_minutes": None,
        "update_interval_minutes": None,
        "workflow_id": None,
        "inherited": None,
        "origins": dict.fromkeys(NAMES, "built_in"),
        "created_at": None,
        "updated_at": None,
    }
    assert street.notifier.last("GetAlertSettings").location_id == location_id


async def test_the_version_is_in_the_etag(notifier, reader):
    assert (await reader.get("/api/alerts/settings")).headers["ETag"] == '"v1"'


@pytest.mark.parametrize(
    "body",
    [
        {"failureThreshold": 5, "alertEmail": "owner@agency.example"},
        {"failure_threshold": 5, "alert_email": "owner@agency.example"},
        {"failureThreshold": 5, "alert_email": "owner@agency.example"},
    ],
    ids=["camelCase", "snake_case", "both"],
)
async def test_only_the_given_fields_are_changed(notifier, client, body, location_id):
    answer = await client.post("/api/alerts/settings", body)

    assert (answer.status, answer.headers["ETag"]) == (200, '"v1"')
    asked = notifier.last("UpdateAlertSettings")
    assert list(asked.update_mask.paths) == ["alert_email", "failure_threshold"]
    assert asked.settings.location_id == location_id
    assert asked.settings.failure_threshold == 5
    assert asked.settings.alert_email == "owner@agency.example"
    assert not asked.settings.HasField("time_window_hours")


async def test_null_clears_and_absent_keeps(notifier, client):
    await client.post("/api/alerts/settings", {"webhookUrl": None, "enabled": False})

    asked = notifier.last("UpdateAlertSettings")
    assert list(asked.update_mask.paths) == ["enabled", "webhook_url"]
    assert not asked.settings.HasField("webhook_url")
    assert asked.settings.enabled is False
    assert asked.settings.HasField("enabled")


async def test_the_webhooks_secret_is_told_once(street, client):
    settings = the_settings(webhook_url="https://example.com/hook")
    first = pb.UpdateAlertSettingsResponse(settings=settings, webhook_secret="whsec_abc")
    street.notifier.answers("UpdateAlertSettings", first)
    body = {"webhookUrl": "https://example.com/hook"}

    told = await client.post("/api/alerts/settings", body)
    street.notifier.answers(
        "UpdateAlertSettings", pb.UpdateAlertSettingsResponse(settings=settings)
    )
    again = await client.post("/api/alerts/settings", body)

    assert told.body["webhook_secret"] == "whsec_abc"
    assert told.body["webhook_url"] == "https://example.com/hook"
    assert again.body["webhook_secret"] is None


@pytest.mark.parametrize("threshold", [-1, 0, 10**30, -(10**30)])
async def test_a_threshold_out_of_range_is_the_services_to_refuse(street, client, threshold):
    street.notifier.answers("UpdateAlertSettings", ThresholdOutOfRange.at("failure_threshold"))

    answer = await client.post("/api/alerts/settings", {"failureThreshold": threshold})

    assert (answer.status, answer.body["reason"]) == (400, "THRESHOLD_OUT_OF_RANGE")
    assert answer.body["errors"][0]["field"] == "failure_threshold"
    asked = street.notifier.last("UpdateAlertSettings").settings.failure_threshold
    assert not 1 <= asked <= 10_000


async def test_settings_that_somebody_else_changed_are_412(street, client):
    street.notifier.answers("UpdateAlertSettings", Overtaken())
    body = {"failureThreshold": 5}

    named = await client.with_headers(If_Match='"v0"').post("/api/alerts/settings", body)
    unnamed = await client.post("/api/alerts/settings", body)

    assert (named.status, named.body["reason"]) == (412, "PRECONDITION_FAILED")
    assert (unnamed.status, unnamed.body["reason"]) == (409, "CHANGED_MEANWHILE")
    assert street.notifier.asked["UpdateAlertSettings"][0].etag == "v0"


async def test_a_workflow_has_settings_of_its_own(notifier, client, location_id):
    path = "/api/workflows/wf-1/alerts/settings"

    read = await client.get(path)
    changed = await client.with_headers(If_Match='"v1"').post(
        path, {"failureThreshold": 1, "alertEmail": ""}
    )

    assert (read.status, changed.status) == (200, 200)
    asked = notifier.last("GetAlertSettings")
    assert (asked.location_id, asked.workflow_id) == (location_id, "wf-1")
    change = notifier.last("UpdateAlertSettings")
    assert (change.settings.workflow_id, change.etag, change.installation) == ("wf-1", "v1", False)
    assert change.settings.HasField("alert_email")


async def test_the_agency_sets_what_holds_everywhere_else(notifier, agency):
    read = await agency.get("/api/alerts/defaults")
    changed = await agency.post("/api/alerts/defaults", {"failureThreshold": 5})

    assert (read.status, changed.status, changed.headers["ETag"]) == (200, 200, '"v1"')
    assert notifier.last("GetAlertSettings").installation
    assert notifier.last("UpdateAlertSettings").installation
    (entry, *_) = (await agency.get("/api/audit")).body["items"]
    assert (entry["action"], entry["subject"]) == ("alert_settings.changed", "installation")


async def test_a_locations_key_neither_reads_nor_changes_what_holds_everywhere(notifier, client):
    answers = [
        await client.get("/api/alerts/defaults"),
        await client.post("/api/alerts/defaults", {"enabled": False}),
    ]

    assert [(each.status, each.body["reason"]) for each in answers] == [
        (403, "AGENCY_KEY_NEEDED")
    ] * 2
    assert not notifier.asked


async def test_an_address_of_the_agency_is_hidden_from_a_locations_key(street, reader, agency):
    inherited = the_settings(
        alert_email="boss@agency.example",
        origins=[
            pb.SettingOrigin(field=name, level=pb.SETTINGS_LEVEL_INSTALLATION) for name in NAMES
        ],
    )
    street.notifier.answers(
        "GetAlertSettings", pb.GetAlertSettingsResponse(settings=inherited, inherited=inherited)
    )

    hidden = (await reader.get("/api/alerts/settings")).body
    shown = (await agency.get("/api/alerts/settings", location_id="loc-1")).body

    assert hidden["alert_email"] == hidden["inherited"]["alert_email"] == "…"
    assert hidden["origins"]["alert_email"] == "installation"
    assert shown["alert_email"] == shown["inherited"]["alert_email"] == "boss@agency.example"


async def test_quiet_hours_travel_both_ways(street, client):
    windows = [pb.QuietWindow(start="22:00", end="07:00", weekdays=[0, 4])]
    settings = the_settings(quiet_hours=pb.QuietHours(windows=windows))
    street.notifier.answers(
        "UpdateAlertSettings", pb.UpdateAlertSettingsResponse(settings=settings)
    )
    quiet = [{"start": "22:00", "end": "07:00", "weekdays": [0, 4]}]

    set_ = await client.post("/api/alerts/settings", {"quietHours": quiet})
    asked = street.notifier.last("UpdateAlertSettings").settings
    await client.post("/api/alerts/settings", {"quietHours": []})
    none = street.notifier.last("UpdateAlertSettings").settings
    await client.post("/api/alerts/settings", {"quietHours": None})
    cleared = street.notifier.last("UpdateAlertSettings").settings

    assert set_.body["quiet_hours"] == quiet
    assert list(asked.quiet_hours.windows) == windows
    assert none.HasField("quiet_hours")
    assert not none.quiet_hours.windows
    assert not cleared.HasField("quiet_hours")


async def test_reading_keys_change_no_settings(street, gateway, location_id):
    reader = await gateway.client(Scope.READ, location_id)

    answer = await reader.post("/api/alerts/settings", {"enabled": False})

    assert (answer.status, answer.body["reason"]) == (403, "KEY_SCOPE_TOO_NARROW")
    assert not street.notifier.asked
