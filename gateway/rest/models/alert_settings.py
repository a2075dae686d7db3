"""Alert settings of the installation, a location or a workflow."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, field_validator

from gateway.rest import wire
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.notifier.v1 import notifier_pb2 as pb

ScanSummaryWord = Literal["always", "on_change", "never"]
Level = Annotated[str, words(pb.SettingsLevel.DESCRIPTOR)]


class QuietWindowBody(Body):
    """A time of the week in which what is not critical waits."""

    start: str
    """When it begins, local `HH:MM`."""
    end: str
    """When it ends, local `HH:MM`; on the next day when that is not later than the start."""
    weekdays: list[int] = Field(default_factory=list)
    """On which days it begins, 0 = Monday to 6 = Sunday; every day when there are none."""

    def message(self) -> pb.QuietWindow:
        return pb.QuietWindow(
            start=self.start, end=self.end, weekdays=[wire.int32(each) for each in self.weekdays]
        )


class AlertSettingsBody(Body):
    """When to alert and whom. A field that is not given stays as it is; null clears it.

    What is cleared at one level is decided by the one above: workflow, location,
    installation, else what is built in.
    """

    model_config = examples(
        {
            "failureThreshold": 3,
            "timeWindowHours": 24,
            "alertOnCritical": True,
            "alertEmail": "you@example.com",
            "webhookUrl": "https://example.com/hooks/runwarden",
        },
        {"enabled": False},
        {
            "timezone": "America/New_York",
            "quietHours": [
                {"start": "22:00", "end": "07:00"},
                {"start": "07:00", "end": "07:00", "weekdays": [5]},
            ],
        },
    )

    enabled: bool | None = None
    """Whether anything is sent at all. Built in: true."""
    failure_threshold: int | None = None
    """How many failures within the window make an alert, 1 to 10,000. Built in: 3."""
    time_window_hours: int | None = None
    """The window in hours, 1 to 720. Built in: 24."""
    alert_on_critical: bool | None = None
    """Whether critical findings of scans alert. Built in: true."""
    alert_email: str | None = None
    """Where mails go; null means as the level above says, "" means no mail."""
    webhook_url: str | None = None
    """Where webhooks go; null means as the level above says, "" means no webhook."""
    timezone: str | None = None
    """IANA name of the zone of quiet hours. Built in: America/Chicago."""
    quiet_hours: list[QuietWindowBody] | None = None
    """When what is not critical waits, at most 14; [] means never. Built in: never."""
    quiet_hours_hold_critical: bool | None = None
    """Whether what is critical waits in quiet hours as well. Built in: false."""
    scan_summary: ScanSummaryWord | None = None
    """When the summary of a scan is told. Built in: always."""
    critical_reminder_minutes: int | None = None
    """When a critical incident that nobody looks after is told again; 0 means never."""
    reminder_minutes: int | None = None
    """The same for incidents that are not critical."""
    update_interval_minutes: int | None = None
    """At least so long between two messages that an open incident got worse; 0 means none."""

    def message(self, location_id: str, workflow_id: str = "") -> pb.AlertSettings:
        """Gives the fields that are set, for a location or a workflow."""
        windows = self.quiet_hours
        return pb.AlertSettings(
            location_id=location_id,
            workflow_id=workflow_id,
            enabled=self.enabled,
            failure_threshold=wire.int32_or_none(self.failure_threshold),
            time_window_hours=wire.int32_or_none(self.time_window_hours),
            alert_on_critical=self.alert_on_critical,
            alert_email=self.alert_email,
            webhook_url=self.webhook_url,
            timezone=self.timezone,
            quiet_hours=(
                None
                if windows is None
                else pb.QuietHours(windows=[each.message() for each in windows])
            ),
            quiet_hours_hold_critical=self.quiet_hours_hold_critical,
            scan_summary=wire.number(pb.ScanSummary.DESCRIPTOR, self.scan_summary) or None,
            critical_reminder_minutes=wire.int32_or_none(self.critical_reminder_minutes),
            reminder_minutes=wire.int32_or_none(self.reminder_minutes),
            update_interval_minutes=wire.int32_or_none(self.update_interval_minutes),
        )


def windows_of(given: Any) -> Any:
    """Gives the windows of quiet hours, as the services and as answers have them."""
    return given["windows"] if isinstance(given, dict) else given or []


def by_name(given: Any) -> Any:
    """Gives the levels that values come from by the names of the values."""
    return given if isinstance(given, dict) else {each["field"]: each["level"] for each in given}


class QuietWindow(Answer):
    """A time of the week in which what is not critical waits."""

    start: str
    end: str
    weekdays: list[int]


class SettingValues(Answer):
    """The values that hold."""

    enabled: bool
    failure_threshold: int
    time_window_hours: int
    alert_on_critical: bool
    alert_email: str | None
    """"…" stands for an address of the agency, which the key of a location does not see."""
    webhook_url: str | None
    timezone: str | None
    quiet_hours: list[QuietWindow]
    quiet_hours_hold_critical: bool | None
    scan_summary: Annotated[str | None, words(pb.ScanSummary.DESCRIPTOR)]
    critical_reminder_minutes: int | None
    reminder_minutes: int | None
    update_interval_minutes: int | None

    _windows = field_validator("quiet_hours", mode="before")(windows_of)


class AlertSettings(SettingValues):
    """The alert settings that hold for the installation, a location or a workflow."""

    location_id: str | None
    """null for the whole installation."""
    workflow_id: str | None
    """null for the whole location."""
    configured: bool
    """Whether anything was ever set at this level."""
    origins: dict[str, Level]
    """Which level each value comes from."""
    inherited: SettingValues | None = None
    """What would hold if everything at this level were cleared; null for the installation."""
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None

    _by_name = field_validator("origins", mode="before")(by_name)


class ChangedAlertSettings(AlertSettings):
    """The alert settings after a change."""

    webhook_secret: str | None = None
    """Signs webhooks; only in the answer that first sets a webhook_url, and never again."""
