"""What failures are made of, how runs are spread over time, what a threshold would have done."""

from typing import Annotated, Literal, Self

from google.protobuf.message import Message
from pydantic import AwareDatetime, Field

from gateway.rest import wire
from gateway.rest.models.executions import RunNumbers, Window, WorkflowMetrics
from gateway.rest.models.gaps import Gap
from gateway.rest.models.shapes import Answer, words
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

BucketWord = Literal["hour", "day"]
Bucket = Annotated[str, words(pb.Bucket.DESCRIPTOR)]


class CountBucket(Answer):
    """How many there were in an hour or a day."""

    start: AwareDatetime
    count: int


class ErrorGroup(Answer):
    """Errors that differ only in ids, numbers, addresses and quoted values."""

    error_class: str | None
    """null for failures without a message."""
    error_fingerprint: str | None
    """Give it to GET /api/executions to see the executions."""
    sample_message: str | None
    failed_action_name: str | None
    """Of the newest of its executions."""
    count: int
    previous_count: int
    """In the equal window before; 0 means that the error is new."""
    first_seen: AwareDatetime = Field(validation_alias="first_seen_at")
    """The first one in the window."""
    last_seen: AwareDatetime = Field(validation_alias="last_seen_at")
    buckets: list[CountBucket]
    """Those without a count are left out."""
    workflow_count: int
    workflow_ids: list[str]
    """Those it touches most, at most 10."""
    contact_count: int
    """How many contacts it hit; runs that named none are not counted."""
    execution_ids: list[str]
    """The newest ones, at most 5."""
    expected: bool
    """Whether it is no fault of the workflow (unsubscribed, do not disturb)."""


class _Windowed(Answer):
    window: Window

    @classmethod
    def of(cls, message: Message, **more: object) -> Self:
        shown = wire.plain(message)
        window = Window.between(shown["window_start"], shown["window_end"])
        return super().of(message, window=window, **more)


class ErrorGroups(_Windowed):
    """The most frequent kinds of errors in a window."""

    items: list[ErrorGroup] = Field(validation_alias="groups")
    group_count: int
    """How many there are, those that are not listed included."""
    bucket: Bucket


class FailingStep(Answer):
    """A step at which runs failed."""

    workflow_id: str
    failed_action_id: str | None
    failed_action_name: str | None
    count: int
    previous_count: int
    """In the equal window before."""
    first_seen: AwareDatetime = Field(validation_alias="first_seen_at")
    last_seen: AwareDatetime = Field(validation_alias="last_seen_at")
    error_class: str | None
    """The class of error that occurred most."""


class FailingSteps(_Windowed):
    """The steps with most failures in a window."""

    items: list[FailingStep] = Field(validation_alias="steps")
    step_count: int
    """How many there are, those that are not listed included."""


class MetricsWithErrors(WorkflowMetrics):
    """The numbers of a workflow, and what went wrong most."""

    top_errors: list[ErrorGroup]
    """The most frequent, as many as `top` asked for."""
    top_failing_steps: list[FailingStep]
    gaps: list[Gap] = Field(validation_alias="recording_gaps")
    """Times of both windows in which nothing could be recorded, newest first, at most 100."""

    @classmethod
    def told(cls, response: pb.GetWorkflowMetricsResponse) -> Self:
        """Gives the answer that shows what ingestion says."""
        shown = wire.plain(response)
        names = ("top_errors", "top_failing_steps", "recording_gaps")
        return cls.measured(response.metrics, **{name: shown[name] for name in names})


class TimelineBucket(Answer):
    """The runs of an hour or a day."""

    start: AwareDatetime
    succeeded: int
    failed: int
    partial: int


class Timeline(_Windowed):
    """The runs of a window, bucket by bucket."""

    items: list[TimelineBucket] = Field(validation_alias="buckets")
    """Oldest first, those without a run included."""
    bucket: Bucket
    current: RunNumbers
    """The window as a whole."""
    previous: RunNumbers
    """The same for the equal window before."""


class BacktestAlert(Answer):
    """An alert that there would have been."""

    opened_at: AwareDatetime
    recovered_at: AwareDatetime | None
    """The first success after its last failure; null when there was none."""
    failure_count: int


class Backtest(_Windowed):
    """How often a threshold would have alerted."""

    alert_count: int
    items: list[BacktestAlert] = Field(validation_alias="alerts")
    """The newest 100 of them, oldest first."""
    failure_count: int
    """Failed runs in the time looked at, expected ones left out."""
    failure_threshold: int
    time_window_hours: int
