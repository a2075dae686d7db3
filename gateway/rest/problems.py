"""What can go wrong with a request before a service sees it, and every problem as RFC 9457 JSON."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse

from gateway.payloads.problems import BodyNotJson, UnknownField
from libs import problems
from libs.rpc import call, status

MEDIA_TYPE = "application/problem+json"

HINTS: Mapping[str, str] = {
    "CHANGED_MEANWHILE": "Get it again, apply your change to what you got, and send that.",
    "CONNECTION_EXPIRED": "docs/ghl-setup.md says where a new token comes from.",
    "CONNECTION_NOT_FOUND": "PUT /api/locations/{location_id}/connection connects the location.",
    "FINDING_NOT_FOUND": "GET /api/findings lists what the last scan of the location found.",
    "DELIVERY_NOT_FOUND": "GET /api/deliveries lists the deliveries of the location.",
    "EVENT_NOT_FOUND": "GET /api/incidents/{incident_id} lists the events of an incident.",
    "INCIDENT_NOT_FOUND": "GET /api/incidents lists the incidents of the location.",
    "INCIDENT_OVER": "POST /api/incidents/{incident_id}/reopen opens it again.",
    "KEY_MISSING": "Send the header `Authorization: Bearer rw_…`, or `X-Api-Key: rw_…`.",
    "LOCATION_MISSING": "GET /api/locations lists the locations; add one as ?location_id=….",
    "NO_TARGETS": "POST /api/alerts/settings (or /api/alerts/defaults, for all locations) with an "
    "alertEmail or a webhookUrl makes a target.",
    "SCAN_NOT_FOUND": "GET /api/scans lists the scans of the location.",
    "SILENCE_NOT_FOUND": "GET /api/silences?include_ended=true lists the silences of the location.",
    "SCHEDULE_PAUSED": "POST /api/schedules/resume lets it fire again.",
    "SCHEDULE_NOT_FOUND": "POST /api/schedules creates the schedule of the location.",
    "TARGET_NOT_FOUND": "GET /api/targets lists the targets of the location.",
    "WORKFLOW_NOT_FOUND": "GET /api/workflows lists the workflows of the location.",
}
"""What helps beyond the message, by reason."""

_ENVELOPE = re.compile(r"^(settings|schedule|target)\.")
"""Messages around a field, which callers of the REST API never wrote."""

_OWN_NAMES: Mapping[str, str] = {"window": "hours", "statuses": "status"}
"""What the REST API calls differently from the services."""

_UNTOLD = "Something broke on our side; the log has it under the request id."


class HttpProblem(problems.InvalidRequest):
    """Something only HTTP knows, with a status that no service's problem has."""

    http = 400


class UnknownParameter(problems.InvalidRequest):
    """The path takes no such query parameter."""

    reason = "UNKNOWN_PARAMETER"


class TextMalformed(problems.InvalidRequest):
    """A text must not contain the character U+0000."""

    reason = "TEXT_MALFORMED"


class PageSizeTwice(problems.InvalidRequest):
    """`limit` and `page_size` mean the same; give one of them."""

    reason = "PAGE_SIZE_TWICE"


class BodyMissing(problems.InvalidRequest):
    """The body is empty; send a JSON object."""

    reason = "BODY_MISSING"


class BodyUnreadable(problems.InvalidRequest):
    """The body cannot be read; send JSON in UTF-8, whole and not too deeply nested."""

    reason = "BODY_UNREADABLE"


class NothingToChange(problems.InvalidRequest):
    """The body names no field; give at least one that shall change."""

    reason = "NOTHING_TO_CHANGE"


class RequestMalformed(problems.InvalidRequest):
    """The request does not have the form it must have; `errors` names each field."""

    reason = "REQUEST_MALFORMED"


class IfMatchMalformed(problems.InvalidRequest):
    """Send as `If-Match` the `ETag` of the last answer, in its quotes."""

    reason = "IF_MATCH_MALFORMED"


class NotReady(problems.Unavailable):
    """A part that calls need does not serve; /health/detailed says which, to a key with `read`."""

    reason = "NOT_READY"


class PathNotFound(problems.NotFound):
    """There is nothing at this path; /docs lists the calls."""

    reason = "PATH_NOT_FOUND"


class MethodNotAllowed(HttpProblem):
    """The path exists, but not with this method; see the header `Allow`."""

    reason, http = "METHOD_NOT_ALLOWED", 405


class PreconditionFailed(HttpProblem):
    """It has changed since you got it: `If-Match` names another version than the current one."""

    reason, http = "PRECONDITION_FAILED", 412


class BodyTooLarge(HttpProblem):
    """The body is larger than this call takes: 1 MiB, a definition 2 MiB, a file of lines 100 MiB."""

    reason, http = "BODY_TOO_LARGE", 413


class ContentTypeNotJson(HttpProblem):
    """Send the body as JSON, with the header `Content-Type: application/json`."""

    reason, http = "CONTENT_TYPE_NOT_JSON", 415


class OneTokenNeeded(problems.InvalidRequest):
    """Give either `privateToken` or `oauth`."""

    reason = "ONE_TOKEN_NEEDED"


class ContentTypeNotLines(HttpProblem):
    """Send the lines with the header `Content-Type: application/x-ndjson` or `text/csv`."""

    reason, http = "CONTENT_TYPE_NOT_LINES", 415


class IdempotencyKeyReused(HttpProblem):
    """The `Idempotency-Key` was used with another body; use a new key for a new request."""

    reason, http = "IDEMPOTENCY_KEY_REUSED", 422


class IdempotencyKeyTooLong(problems.InvalidRequest):
    """An `Idempotency-Key` has at most 200 characters."""

    reason = "IDEMPOTENCY_KEY_TOO_LONG"


def status_of(problem: problems.Problem) -> int:
    """Gives the HTTP status of a problem."""
    return problem.http if isinstance(problem, HttpProblem) else status.kind_of(problem).http


def document(problem: problems.Problem, instance: str) -> dict[str, Any]:
    """Gives the problem as a caller reads it; of a bug only the request id is told."""
    broken = isinstance(problem, problems.Broken)
    reason = problems.Broken.reason if broken else problem.reason
    told: dict[str, Any] = {
        "type": f"urn:runwarden:problem:{reason.lower().replace('_', '-')}",
        "title": reason.replace("_", " ").capitalize(),
        "status": status_of(problem),
        "detail": _UNTOLD if broken else problem.message,
        "instance": instance,
        "reason": reason,
        "request_id": call.request_id.get(),
    }
    if problem.fields:
        told["errors"] = [
            {"field": _own_name(each.field), "message": each.message} for each in problem.fields
        ]
    if hint := HINTS.get(reason):
        told["hint"] = hint
    return told


def answer(problem: problems.Problem, instance: str) -> JSONResponse:
    """Gives the HTTP answer that tells a problem."""
    return JSONResponse(
        document(problem, instance),
        status_code=status_of(problem),
        headers=headers_of(problem),
        media_type=MEDIA_TYPE,
    )


def headers_of(problem: problems.Problem) -> dict[str, str]:
    """Gives the headers that go with a problem."""
    headers = {}
    if (seconds := status.retry_after_seconds(problem)) is not None:
        headers["Retry-After"] = str(seconds)
    if isinstance(problem, problems.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="runwarden"'
    return headers


def from_http(code: int) -> problems.Problem:
    """Gives the problem behind a status that FastAPI chose itself."""
    match code:
        case 404:
            return PathNotFound()
        case 405:
            return MethodNotAllowed()
        case 413:
            return BodyTooLarge()
        case _:
            return BodyUnreadable()


def from_validation(errors: Sequence[Mapping[str, Any]]) -> problems.Problem:
    """Gives the problem of a request that FastAPI found malformed."""
    kinds = {each["type"] for each in errors}
    if "json_invalid" in kinds:
        at = errors[0]["loc"][-1]
        return BodyNotJson(f"The body is not JSON: something is wrong at character {at}.")
    fields = [problems.FieldError(_place(each), _wrong(each)) for each in errors]
    if kinds == {"extra_forbidden"}:
        return UnknownField(f"The body has no field {_listed(fields)}.", fields=fields)
    if kinds == {"missing"} and [each["loc"] for each in errors] == [("body",)]:
        return BodyMissing()
    return RequestMalformed(
        f"The request cannot be read: {fields[0].field}: {fields[0].message}", fields=fields
    )


def _own_name(field: str) -> str:
    name = _ENVELOPE.sub("", field)
    return _OWN_NAMES.get(name, name)


def _place(error: Mapping[str, Any]) -> str:
    where = ".".join(str(each) for each in error["loc"][1:]) or str(error["loc"][0])
    # A field that is unknown is named as it was sent; a known one as answers name it.
    return where if error["type"] == "extra_forbidden" else snake_case(where)


def _wrong(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such field."
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{error['msg']}."


def _listed(fields: Iterable[problems.FieldError]) -> str:
    return ", ".join(f"`{each.field}`" for each in fields)


def snake_case(name: str) -> str:
    """Gives a camelCase name as columns have it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
