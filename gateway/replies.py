"""What the door answers."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from gateway.delivery import BodyTooSlow, Delivery
from gateway.intake import Taken
from gateway.rest import problems as told
from libs import metrics, problems

log = structlog.get_logger()

RETRY_AFTER = "5"
"""Seconds, where the problem itself names none."""
POSTPONED = 429
OK, QUARANTINED, IGNORED = 200, 202, 202
JSON = "application/json"

_FINAL = frozenset({400, 401, 403, 408, 413, 415})
"""Where sending the same again does not help; everything else is answered 429."""
_LOCATION_UNKNOWN = {
    "status": "ignored",
    "reason": "LOCATION_UNKNOWN",
    "detail": "The location in the body is none of this installation, so nothing was kept. "
    "PUT /api/locations/{location_id} makes it known.",
}


class Reply(NamedTuple):
    """An answer, ready to be sent."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """In lower case, with the length of the body."""
    body: bytes


def to_one(taken: Taken, delivery: Delivery) -> Reply:
    """Answers what became of the only execution of a body; raises why it was rejected."""
    if taken.status == "rejected" and taken.problem is not None:
        raise taken.problem
    status = QUARANTINED if taken.status == "quarantined" else OK
    return _reply(status, _result(taken), delivery)


def to_several(taken: Sequence[Taken], delivery: Delivery) -> Reply:
    """Answers what became of each execution of an array."""
    return _reply(OK, {"results": [_result(each) for each in taken]}, delivery)


def to_unknown_location(delivery: Delivery) -> Reply:
    """Answers what HighLevel signed for somebody else."""
    return _reply(IGNORED, _LOCATION_UNKNOWN, delivery)


def to_refused(problem: problems.Problem, delivery: Delivery) -> Reply:
    """Answers why nothing was taken; counts and logs it."""
    status = told.status_of(problem)
    headers = {key.lower(): value for key, value in told.headers_of(problem).items()}
    if status not in _FINAL:
        status = POSTPONED
        headers.setdefault("retry-after", RETRY_AFTER)
    if isinstance(problem, BodyTooSlow | told.BodyTooLarge):
        headers["connection"] = "close"  # the rest of the body is not read
    content = told.document(problem, delivery.path) | {"status": status}
    metrics.INGEST_EVENTS.labels(result="postponed" if status == POSTPONED else "refused").inc()
    log.info("door.refused", status=status, reason=problem.reason, request_id=delivery.request_id)
    more = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return _reply(status, content, delivery, told.MEDIA_TYPE, more)


def _reply(
    status: int,
    content: object,
    delivery: Delivery,
    media_type: str = JSON,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> Reply:
    body = msgspec.json.encode(content)
    headers = [
        (b"content-length", b"%d" % len(body)),
        (b"content-type", media_type.encode()),
        (b"x-request-id", delivery.request_id.encode("latin-1")),
        *more,
    ]
    return Reply(status, headers, body)


def _result(taken: Taken) -> dict[str, object]:
    result: dict[str, object] = {"status": taken.status}
    if taken.kept_as:
        name = "quarantine_id" if taken.status == "quarantined" else "execution_id"
        result[name] = taken.kept_as
    if taken.problem is not None:
        result |= {"reason": taken.problem.reason, "detail": taken.problem.message}
    if taken.problem is not None and taken.status == "rejected":
        result["errors"] = _errors(taken.problem.fields)
    return result


def _errors(fields: Sequence[problems.FieldError]) -> list[dict[str, str]]:
    return [{"field": each.field, "message": each.message} for each in fields]
