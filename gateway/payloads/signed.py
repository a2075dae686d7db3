"""What HighLevel signed, as an execution: nothing is read from outside of the signed bytes."""

from dataclasses import dataclass
from datetime import datetime

from gateway.payloads import decoding, keys, lenient, problems
from gateway.payloads.reading import Reading, usable_workflow_id

IN_BODY = "-"
"""Stands in the path for the workflow that the body names: an app has one address for all."""


@dataclass(frozen=True, slots=True)
class SignedReading:
    """An execution that HighLevel signed."""

    reading: Reading
    location_id: str
    key: str
    """What makes a repetition count once."""
    signed_at: datetime


def read_signed(body: bytes, in_path: str) -> SignedReading:
    """Gives the execution; raises why there is none.

    The path is not signed, so its workflow only confirms the body's.
    """
    value = decoding.exactly(body)
    decoding.check_bounds(value, body)
    if not isinstance(value, dict):
        raise problems.BodyNotOneObject
    sent = lenient.SignedBody(value)
    location_id = _location_id(sent)
    signed_at = sent.signed_at()
    if signed_at is None:
        raise problems.SignedTimeMissing.at("timestamp")
    key = keys.of_signed(sent.webhook_id(), body)
    execution = sent.execution(None)
    execution.workflow_id = _workflow_id(sent, in_path)
    execution.idempotency_key = key
    if not execution.HasField("executed_at"):
        execution.executed_at.FromDatetime(signed_at)
    reading = Reading(execution, execution.workflow_id, location_id, body)
    return SignedReading(reading, location_id, key, signed_at)


def _location_id(sent: lenient.SignedBody) -> str:
    named = sent.location_ids()
    if not named:
        raise problems.BodyLocationMissing.at("location_id")
    if len(named) > 1:
        raise problems.BodyLocationsDiffer.at("location_id")
    return named.pop()


def _workflow_id(sent: lenient.SignedBody, in_path: str) -> str:
    named = sent.workflow_ids()
    if not named:
        raise problems.WorkflowMissing.at("workflow_id", "The body names no workflow.")
    expected = None if in_path == IN_BODY else usable_workflow_id(in_path)
    if len(named | ({expected} if expected else set())) > 1:
        raise problems.WorkflowDiffers.at("workflow_id")
    found = usable_workflow_id(named.pop())
    if found is None:
        raise problems.WorkflowIdWrong.at("workflow_id")
    return found
