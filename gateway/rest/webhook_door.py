"""The webhook door, which stands in front of the REST API, as the OpenAPI document tells of it."""

from collections.abc import Mapping
from typing import Any

from gateway.rest.models.recording import EXECUTION

PATH = "/api/workflows/{workflow_id}/executions"
NAME = "receive_webhook"
ERRORS = (400, 401, 403, 413, 415, 429)

STATUSES = ("accepted", "duplicate", "quarantined", "ignored", "rejected")

_ITEM: Mapping[str, Any] = {
    **EXECUTION,
    "required": ["status"],
    "description": "GoHighLevel's own payload is read too: fields at the root or in "
    "`customData`, `workflow.id`, `workflow.name`, `location.id`; numbers may be texts, what is "
    "not known is ignored.",
}
_OUTCOME: Mapping[str, Any] = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "enum": STATUSES},
        "execution_id": {"type": "string"},
        "quarantine_id": {"type": "string"},
        "reason": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
_EXAMPLES: Mapping[str, Any] = {
    "ours": {
        "value": {
            "status": "failed",
            "workflowName": "Welcome",
            "failedActionId": "step-4",
            "failedActionName": "Send SMS",
            "errorMessage": "The phone number is not valid",
            "executionTimeMs": 1200,
        }
    },
    "GoHighLevel": {
        "value": {
            "workflow": {"id": "wf-welcome", "name": "Welcome"},
            "location": {"id": "loc-demo"},
            "customData": {"status": "success", "executionTimeMs": "800"},
        }
    },
    "several": {"value": [{"status": "success"}, {"status": "partial"}]},
}


def operation() -> dict[str, Any]:
    """Gives the operation of the document."""
    return {
        "tags": ["Executions"],
        "operationId": NAME,
        "summary": "Receive Webhook",
        "description": "Takes in what a workflow's webhook step sends, and answers when it is "
        "stored. What cannot be read is kept in quarantine and answered 202, so that the "
        "workflow's step does not fail. Alerts by itself when a workflow fails too often.\n\n"
        "Where GATEWAY_HIGHLEVEL_KEYS is set, a body that HighLevel signed for a marketplace app "
        "needs no key. Then only what is signed is read: one object that names its location, its "
        "workflow and its time, in `extras` or at the root, with the fields of its form in `data`. "
        "What is wrong with it is answered 400 and not kept.",
        "parameters": [
            _parameter("workflow_id", "path", "The workflow; `-` for that of a signed body."),
            _parameter("location_id", "query", "The location; or the body's `location.id`."),
            _parameter("key", "query", "The key, where no header can be set. Never logged."),
            _parameter(
                "X-GHL-Signature",
                "header",
                "Instead of a key: HighLevel's Ed25519 signature of the raw body, in base64. "
                "Nothing, `N/A` and a wrong one are all answered 401 `SIGNATURE_WRONG`.",
            ),
            _parameter("Idempotency-Key", "header", "Makes a repetition within 7 days count once."),
            _parameter("Prefer", "header", "`handling=strict`: 400 instead of quarantine."),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [_ITEM, {"type": "array", "items": _ITEM}]},
                    "examples": _EXAMPLES,
                }
            },
        },
        "responses": {
            "200": _answer("Stored, or known before; of an array what became of each."),
            "202": _answer(
                "Kept in quarantine; `reason` says why. Or `ignored`: what was signed is for a "
                "location that is not known here (`LOCATION_UNKNOWN`), and nothing was kept."
            ),
            "408": {"description": "The body did not arrive within 5 seconds; send it again."},
            **{str(code): {} for code in ERRORS},
        },
    }


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string"},
    }


def _answer(description: str) -> dict[str, Any]:
    results = {"type": "array", "items": _OUTCOME}
    several = {"type": "object", "required": ["results"], "properties": {"results": results}}
    schema = {"oneOf": [_OUTCOME, several]}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
