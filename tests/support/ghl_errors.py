"""How GoHighLevel says no, in the shapes of both of its APIs."""

from aiohttp import web

from tests.support.ghl_state import StandInAgency

BAD_TOKEN = "Invalid token: access token is invalid"
NO_SCOPE = "The token is not authorized for this scope."
OTHER_LOCATION = "The token does not have access to this location."
NO_VERSION = "version header was not found."
API_NOT_ENABLED = "WORKFLOW_API_NOT_ENABLED_FOR_LOCATION"
NAMES = {401: "Unauthorized", 403: "Forbidden", 422: "Unprocessable Entity"}


class Refusal(Exception):
    """Ends a request with an error; `code` is used where the shape has one."""

    def __init__(self, status: int, message: str | list[str], code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


def rendered(refusal: Refusal, agency: StandInAgency, request: web.Request) -> web.Response:
    """Gives the answer of the API that was called."""
    v3 = agency.v3_error_shape and request.headers.get("Version") == "v3"
    content = _v3(refusal) if v3 else _classic(refusal)
    return web.json_response(content, status=refusal.status)


def _classic(refusal: Refusal) -> dict:
    message = f"{refusal.code}: {refusal.message}" if refusal.code else refusal.message
    content = {"statusCode": refusal.status, "message": message}
    return content | ({"error": NAMES[refusal.status]} if refusal.status in NAMES else {})


def _v3(refusal: Refusal) -> dict:
    code = refusal.code or NAMES.get(refusal.status, "BAD_REQUEST").upper().replace(" ", "_")
    return {"error": {"code": code, "message": refusal.message, "details": {}, "resolution": ""}}
