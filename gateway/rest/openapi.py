"""The OpenAPI document: what FastAPI knows of the routes, the errors, the keys, the webhook door."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.access import sessions
from gateway.access.callers import ScopeTooNarrow
from gateway.access.keys import KeyMissing
from gateway.access.limits import RateLimited
from gateway.rest import problems as render
from gateway.rest import webhook_door
from gateway.rest.backend import ServiceSlow, ServiceUnavailable
from gateway.rest.callers import CSRF_HEADER
from gateway.rest.problems import (
    MEDIA_TYPE,
    BodyTooLarge,
    ContentTypeNotJson,
    IdempotencyKeyReused,
    PreconditionFailed,
    RequestMalformed,
)
from libs import problems

DESCRIPTION = """\
Watches GoHighLevel workflows: takes in their executions, scans them on a schedule, and tells \
people once when something needs them.

**Keys.** Every call but `/health` and `/health/ready` needs an API key: \
`Authorization: Bearer rw_…` or `X-Api-Key: rw_…`. A key belongs to one location or to the agency; \
with a key of the agency the location is named by `?location_id=…`.

**Names.** Bodies are read in camelCase and in snake_case, answers are snake_case. Times are \
RFC 3339 in UTC.

**Lists** take `limit` (50 when not given, at most 500) and `page_token`, and answer \
`{items, next_page_token}`.

**Errors** are `application/problem+json` (RFC 9457); programs look at `reason`, people at `detail`.

**Limits.** 600 requests a minute for each key; above that 429 with `Retry-After`.
"""

EXAMPLE_ID = "0198c1f2-7d3a-7c54-9d0e-2f4b6a8c0e12"
OPEN_PATHS = frozenset({"/health", "/health/ready"})
ALWAYS = (400, 401, 403, 429, 500, 503, 504)
WITH_BODY = (413, 415)

_PROBLEMS: Mapping[int, type[problems.Problem]] = {
    400: RequestMalformed,
    401: KeyMissing,
    403: ScopeTooNarrow,
    404: problems.NotFound,
    409: problems.Overtaken,
    412: PreconditionFailed,
    413: BodyTooLarge,
    415: ContentTypeNotJson,
    422: IdempotencyKeyReused,
    429: RateLimited,
    500: problems.Broken,
    503: ServiceUnavailable,
    504: ServiceSlow,
}


def told(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Documents errors a route may answer beyond those every route may."""
    return {code: {"description": _PROBLEMS[code]().message} for code in codes}


def of(app: FastAPI) -> dict[str, Any]:
    """Gives the document of an app, made when it is first asked for."""
    if app.openapi_schema is None:
        app.openapi_schema = document(app)
    return app.openapi_schema


def document(app: FastAPI) -> dict[str, Any]:
    """Makes the document of the whole HTTP side."""
    found = get_openapi(
        title="Runwarden",
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
    )
    found["paths"].setdefault(webhook_door.PATH, {})["post"] = webhook_door.operation()
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    components = found["components"]
    for replaced in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(replaced, None)
    components["schemas"]["Problem"] = PROBLEM
    components["responses"] = {f"Problem{code}": _error(code) for code in _PROBLEMS}
    components["securitySchemes"] = SECURITY_SCHEMES
    return found


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "content" in responses.get("422", {}):
        del responses["422"]  # FastAPI's own; with us what it means is 400
    operation["security"] = [] if path in OPEN_PATHS else [{name: []} for name in SECURITY_SCHEMES]
    codes = {int(code) for code in responses} & _PROBLEMS.keys()
    # The open paths and the door tell all their answers themselves.
    if path not in OPEN_PATHS and operation["operationId"] != webhook_door.NAME:
        codes |= {*ALWAYS, *(WITH_BODY if "requestBody" in operation else ())}
    for code in sorted(codes):
        responses[str(code)] = {"$ref": f"#/components/responses/Problem{code}"}


def _error(code: int) -> dict[str, Any]:
    problem = _PROBLEMS[code]()
    example = render.document(problem, "/api/schedules") | {"request_id": EXAMPLE_ID}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": problem.message, "content": {MEDIA_TYPE: content}}


PROBLEM: Mapping[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "reason", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people: what to do about it."},
        "instance": {"type": "string"},
        "reason": {"type": "string", "description": "For programs: a fixed word."},
        "request_id": {"type": "string", "description": "The log has it too."},
        "hint": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

SECURITY_SCHEMES: Mapping[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer rw_…`"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": sessions.COOKIE,
        "description": f"A signed-in browser; changes also need the header `{CSRF_HEADER}`.",
    },
}
