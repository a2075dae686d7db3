"""Why somebody was told, or was not."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, field_validator

from gateway.rest.models.alert_settings import Level, QuietWindow, by_name, windows_of
from gateway.rest.models.alerts import Delivery, Incident
from gateway.rest.models.incidents import DeliveryAttempt
from gateway.rest.models.shapes import Answer, Body, examples, words
from libs.contracts.notifier.v1 import notifier_pb2 as pb

KindWord = Literal[
    "workflow_failing",
    "workflow_recovered",
    "critical_finding",
    "finding_fixed",
    "score_low",
    "score_recovered",
    "scan_completed",
    "scan_failed",
    "never_finished",
    "finished_again",
    "connection_expired",
    "connection_restored",
    "connection_removed",
    "schedule_overdue",
    "same_error",
    "same_error_over",
    "recording_gap",
    "recording_gap_over",
]


class ImaginedEventBody(Body):
    """An event that does not happen."""

    model_config = examples(
        {"kind": "workflow_failing", "workflowId": "wf-welcome"}, {"kind": "scan_completed"}
    )

    kind: KindWord
    """What would happen. The same error in many locations and gaps in what was recorded are of
    all locations."""
    workflow_id: str = ""
    """The workflow it would be about; needed for kinds that are about one."""


class DecisionCheck(Answer):
    """One thing that was looked at."""

    name: str
    """news, enabled, scan_summary, scan_changes, alert_on_critical, cause, silences, targets or
    quiet_hours."""
    passed: bool
    detail: str


class DecidingSettings(Answer):
    """The settings that decided."""

    enabled: bool
    failure_threshold: int
    time_window_hours: int
    alert_on_critical: bool
    timezone: str
    quiet_hours: list[QuietWindow]
    quiet_hours_hold_critical: bool
    scan_summary: Annotated[str, words(pb.ScanSummary.DESCRIPTOR)]
    critical_reminder_minutes: int
    reminder_minutes: int
    update_interval_minutes: int
    origins: dict[str, Level]
    """Which level each value came from."""

    _windows = field_validator("quiet_hours", mode="before")(windows_of)
    _by_name = field_validator("origins", mode="before")(by_name)


class TargetDecision(Answer):
    """What one target heard, or would hear."""

    decision: Literal["send", "fold", "hold", "suppress"]
    """fold means with others in one message."""
    reason: str
    """Why, or what became of it."""
    until: AwareDatetime | None
    """Until when it is held, or when the pace of the target allows it."""
    target_id: str | None
    channel: str | None
    target: str | None
    """Where it goes, with the middle masked."""
    delivery: Delivery | None
    """null for an event that is imagined."""
    attempts: list[DeliveryAttempt]
    """Each try to send it, oldest first."""


class ThresholdTrial(Answer):
    """How often the workflow would have alerted with the settings of now."""

    text: str
    alert_count: int
    failure_threshold: int
    time_window_hours: int
    days: int


class Explanation(Answer):
    """Why somebody was told, or was not."""

    told: bool
    """Whether somebody was told, will be, or would be."""
    answer: str
    """The whole story in a sentence or two."""
    kind: str
    severity: Annotated[str, words(pb.Severity.DESCRIPTOR)]
    workflow_id: str | None
    dedup_key: str | None
    outcome: str
    """opened, raised, counted, resolved, summed_up or nothing_open."""
    incident: Incident | None
    checks: list[DecisionCheck]
    """What was looked at, in order, up to what stopped it."""
    settings: DecidingSettings | None
    """null when the event only counted in an open incident."""
    quiet_until: AwareDatetime | None
    targets: list[TargetDecision]
    decided_at: AwareDatetime
    threshold_trial: ThresholdTrial | None = None
    """Only of failing workflows, as far as ingestion knows them."""
