"""A second reading of a delivery that could not be read, with what a person corrected."""

from collections.abc import Mapping
from typing import Any

from gateway.payloads import decoding, lenient, problems
from gateway.payloads.reading import NO_WORKFLOW
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest


def read_again(
    body: bytes, workflow_id: str, corrections: Mapping[str, Any], key: str
) -> pb.Execution:
    """Gives the execution, still without its location; raises why it cannot be read.

    Corrections have the body's names in camelCase, and stand before whatever the
    body says. With one the body may be anything: it alone may say all there is.
    `key` is the one it came with outside its body, if any.
    """
    if workflow_id == NO_WORKFLOW:
        raise problems.WorkflowMissing.at("workflow_id")
    sent = _object_in(body, corrections)
    decoding.check_bounds(sent)
    read = lenient.Body({**sent, **corrections})
    execution = read.execution(key)
    execution.workflow_id = workflow_id
    return execution


def _object_in(body: bytes, corrections: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = decoding.leniently(body)
        if not isinstance(found, dict):
            raise problems.BodyNotObject
    except InvalidRequest:
        if not corrections:
            raise
        return {}
    return found
