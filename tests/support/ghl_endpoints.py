"""What a stand-in GoHighLevel answers about a location."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tests.support.ghl_errors import API_NOT_ENABLED, NO_SCOPE, OTHER_LOCATION, Refusal
from tests.support.ghl_state import COMPANY_ID, TOKEN, StandInAgency, StandInLocation, StandInToken

SUMMARY = ("id", "name", "status", "version", "createdAt", "updatedAt", "locationId")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class ReferenceList:
    """Where a list is, who may read it, and how it is paged."""

    path: str
    key: str
    scope: str
    total: str = ""
    default_size: int = 0
    largest_size: int = 0
    numbered: bool = False


LISTS = [
    ReferenceList("/locations/{location_id}/tags", "tags", "locations/tags.readonly"),
    ReferenceList(
        "/locations/{location_id}/customFields", "customFields", "locations/customFields.readonly"
    ),
    ReferenceList(
        "/locations/{location_id}/customValues", "customValues", "locations/customValues.readonly"
    ),
    ReferenceList(
        "/locations/{location_id}/templates",
        "templates",
        "locations/templates.readonly",
        total="totalCount",
        default_size=25,
        largest_size=100,
    ),
    ReferenceList(
        "/users/search",
        "users",
        "users.readonly",
        total="count",
        default_size=25,
        largest_size=100,
    ),
    ReferenceList("/opportunities/pipelines", "pipelines", "opportunities.readonly"),
    ReferenceList("/calendars/", "calendars", "calendars.readonly"),
    ReferenceList(
        "/forms/", "forms", "forms.readonly", total="total", default_size=10, largest_size=50
    ),
    ReferenceList(
        "/phone-system/numbers/location/{location_id}",
        "numbers",
        "phonenumbers.read",
        total="total",
        default_size=50,
        largest_size=1000,
        numbered=True,
    ),
]


class LocationEndpoints:
    """The endpoints a scan reads."""

    def __init__(self, agency: StandInAgency) -> None:
        self._agency = agency

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/workflows/", self._workflows)
        router.add_get("/workflows/{workflow_id}/definition", self._definition)
        router.add_get("/locations/{location_id}", self._location)
        for each in LISTS:
            router.add_get(each.path, self._listing(each))

    async def _workflows(self, request: web.Request) -> web.Response:
        location = self._reached(request, "workflows.readonly")
        summaries = [
            {name: each[name] for name in SUMMARY if name in each} for each in location.workflows
        ]
        return web.json_response({"workflows": summaries, "traceId": "0a1b2c"})

    async def _definition(self, request: web.Request) -> web.Response:
        if request.headers["Version"] != "v3":
            raise web.HTTPNotFound
        token = _scoped(request, "workflows.readonly")
        location = self._agency.locations[token.owner]
        if not location.workflow_api:
            raise Refusal(403, "The workflow API is not enabled for it", API_NOT_ENABLED)
        wanted = request.match_info["workflow_id"]
        found = [each for each in location.workflows if each["id"] == wanted]
        if not found:
            raise Refusal(404, "Workflow not found")
        return web.json_response(found[0])

    async def _location(self, request: web.Request) -> web.Response:
        location = self._reached(request, "locations.readonly")
        known = {
            "id": location.id,
            "companyId": COMPANY_ID,
            "name": location.name,
            "timezone": location.timezone,
            "business": {"name": location.name, "timezone": location.timezone},
        }
        return web.json_response({"location": known})

    def _listing(self, of: ReferenceList) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            location = self._reached(request, of.scope)
            _check_query(of, request)
            entries = _visible(of, location.lists[of.key], request)
            total = {of.total: len(entries)} if of.total else {}
            return web.json_response({of.key: _page(of, entries, request)} | total)

        return answer

    def _reached(self, request: web.Request, scope: str) -> StandInLocation:
        """Gives the location asked for, when the token may read that of it."""
        token = _scoped(request, scope)
        location_id = request.match_info.get("location_id") or request.query.get("locationId")
        if not location_id:
            raise Refusal(422, ["locationId must be a string", "locationId should not be empty"])
        if location_id != token.owner or location_id not in self._agency.locations:
            raise Refusal(403, OTHER_LOCATION)
        return self._agency.locations[location_id]


def _scoped(request: web.Request, scope: str) -> StandInToken:
    # The scope is looked at before the location, as GoHighLevel does.
    token = request[TOKEN]
    if scope not in token.scopes:
        raise Refusal(401, NO_SCOPE)
    return token


def _check_query(of: ReferenceList, request: web.Request) -> None:
    needed = {"users": "companyId", "templates": "originId"}.get(of.key)
    if needed and needed not in request.query:
        raise Refusal(422, [f"{needed} must be a string", f"{needed} should not be empty"])


def _visible(of: ReferenceList, entries: list[dict], request: web.Request) -> list[dict]:
    if of.key == "customFields":
        model = request.query.get("model", "contact")
        return [each for each in entries if model in ("all", each.get("model", "contact"))]
    if of.key == "numbers" and request.query.get("skipNumberPool", "true") == "true":
        return [each for each in entries if not each.get("numberPool")]
    return entries


def _page(of: ReferenceList, entries: list[dict], request: web.Request) -> list[dict]:
    if not of.default_size:
        return entries
    asked = int(request.query.get("pageSize" if of.numbered else "limit", of.default_size))
    size = min(asked, of.largest_size)
    page = int(request.query.get("page", 0))
    start = page * size if of.numbered else int(request.query.get("skip", 0))
    return entries[start : start + size]
