"""The first page, and the reference of the API."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from gateway.access import sessions
from gateway.pages import reference
from gateway.pages.overview import overview
from gateway.pages.signing_in import form_page
from gateway.pages.visitors import PageRoute, templates, visitor
from gateway.rest import openapi
from gateway.rest.routes import backend

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def show_first_page(
    request: Request, location_id: Annotated[str | None, Query()] = None
) -> Response:
    """Shows whether everything runs and what came in; or the sign-in form."""
    caller = await visitor(request)
    if caller is None:
        return form_page(request, "/")
    back = backend(request)
    return templates(request).page(
        "first.html",
        caller=caller,
        now=back.clock.now(),
        csrf_token=_csrf_token(request),
        shown=await overview(request, back, caller, location_id),
    )


@router.get("/l/{location_id}/{page:path}")
async def show_linked_page(location_id: str, page: str) -> Response:  # noqa: ARG001  any page
    """Leads from a link in an alert to what came in for its location."""
    return RedirectResponse(f"/?location_id={quote(location_id)}", status.HTTP_302_FOUND)


@router.get("/alerts")
@router.get("/alerts/{incident_id}")
async def show_linked_incident() -> Response:
    """Leads from a link in an alert to what came in."""
    return RedirectResponse("/", status.HTTP_302_FOUND)


@router.get("/docs")
async def show_reference(request: Request) -> Response:
    """Shows every call of the API; or the sign-in form."""
    if await visitor(request) is None:
        return form_page(request, "/docs")
    document = openapi.of(request.app)
    return templates(request).page(
        "reference.html",
        about=document["info"]["description"],
        calls_by_tag=reference.calls_by_tag(document),
        csrf_token=_csrf_token(request),
    )


def _csrf_token(request: Request) -> str | None:
    cookie = request.cookies.get(sessions.COOKIE)
    return sessions.csrf_token(cookie) if cookie else None
