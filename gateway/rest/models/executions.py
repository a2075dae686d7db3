"""Executions, workflows and their numbers."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field

from gateway.rest import wire
from gateway.rest.models.shapes import Answer, words
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

HOUR = timedelta(hours=1)

StatusWord = Literal["success", "failed", "partial"]
Status = Annotated[str, Field(json_schema_extra={"enum": ["success", "failed", "partial"]})]


class Execution(Answer):
    """One run of one workflow."""

    id: str = Field(validation_alias="execution_id")
    location_id: str
    workflow_id: str
    workflow_name: str | None
    status: Status
    failed_action_id: str | None
    failed_action_name: str | None
    error_message: str | None
    """What the step said; above 8 KiB it was cut."""
    error_message_truncated: bool
    error_class: str | None
    """What kind of error it was (AUTH, SMS_SENDER, …, OTHER)."""
    error_fingerprint: str | None
    """The same for errors that differ only in ids, numbers and addresses."""
    execution_time_ms: int | None
    executed_at: AwareDatetime
    executed_at_adjusted: bool
    """Whether the time that was sent lay in the future and was set to now."""
    received_at: AwareDatetime | None
    run_id: str | None
    """The caller's own id of the run."""
    source: Annotated[str | None, words(pb.ExecutionSource.DESCRIPTOR)]


class Window(Answer):
    """The time the numbers are about."""

    hours: float
    start: AwareDatetime
    end: AwareDatetime

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Self:
        """Gives the window between two times."""
        return cls(hours=round((end - start) / HOUR, 2), start=start, end=end)


class RunNumbers(Answer):
    """The numbers of one window."""

    total_executions: int = Field(validation_alias="total")
    succeeded_executions: int = Field(validation_alias="succeeded")
    failed_executions: int = Field(validation_alias="failed")
    partial_executions: int = Field(validation_alias="partial")
    expected_executions: int = Field(validation_alias="expected")
    """Those of the failed that are no fault of the workflow (unsubscribed, do not disturb)."""
    failure_rate: float | None
    """failed / total, from 0 to 1; null without a run."""
    avg_execution_time: float | None = Field(validation_alias="average_execution_time_ms")
    """Mean in milliseconds of the times that were sent; null when none was."""
    p50_execution_time: float | None = Field(validation_alias="p50_execution_time_ms")
    """Half of the times that were sent are at most this, in milliseconds."""
    p95_execution_time: float | None = Field(validation_alias="p95_execution_time_ms")
    p99_execution_time: float | None = Field(validation_alias="p99_execution_time_ms")


class Workflow(Answer):
    """A workflow that was seen in executions or reported by a scan."""

    workflow_id: str
    location_id: str
    name: str | None
    first_seen_at: AwareDatetime | None
    last_execution_at: AwareDatetime | None
    last_status: Status | None
    failing: bool
    """Whether it was at or over its failure threshold after its last run."""
    last_failure: AwareDatetime | None = Field(validation_alias="last_failure_at")
    last_24_hours: RunNumbers | None
    last_7_days: RunNumbers | None
    status: str | None
    """GoHighLevel's word for its state (published, draft); null until a scan saw it."""
    version: int | None
    """GoHighLevel's number of its version; null until a scan saw it."""
    changed_at: AwareDatetime | None
    """Since when it is as it is in GoHighLevel; null until a scan saw it."""
    run_limit_hours: int | None
    """Hours after which a run that started and did not end counts as failed."""
    default_run_limit_hours: int
    """The same where it is null."""


class WorkflowMetrics(RunNumbers):
    """How often a workflow fails, and whether it gets worse."""

    workflow_id: str
    location_id: str
    workflow_name: str | None
    failure_trend: Annotated[str, words(pb.FailureTrend.DESCRIPTOR)]
    failure_trend_reason: str | None
    """insufficient_data, no_significant_change or significant_change."""
    last_failure: AwareDatetime | None = Field(validation_alias="last_failure_at")
    last_execution: AwareDatetime | None = Field(validation_alias="last_execution_at")
    window: Window
    previous: RunNumbers
    """The same for the equal window before."""

    @classmethod
    def measured(cls, metrics: pb.WorkflowMetrics, **more: object) -> Self:
        """Gives the answer that shows what was measured, and what more is known."""
        shown = wire.plain(metrics)
        window = Window.between(shown["window_start"], shown["window_end"])
        return cls.of(metrics, **wire.plain(metrics.current), window=window, **more)


class ManyMetrics(Answer):
    """The numbers of several workflows, in the order they were asked for."""

    items: list[WorkflowMetrics]


class AlertThreshold(Answer):
    """Whether a workflow is at or over its failure threshold now."""

    exceeded: bool
    failure_count: int
    """Failed runs in the window, expected ones (unsubscribed, DND) left out."""
    failure_threshold: int
    time_window_hours: int
    first_failure_at: AwareDatetime | None
    last_failure_at: AwareDatetime | None
    alerts_enabled: bool
