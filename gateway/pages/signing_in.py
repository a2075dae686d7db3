"""Signing in and out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from gateway.access import sessions
from gateway.pages.visitors import PageRoute, form, refuse_cross_site, templates
from gateway.rest.problems import status_of
from gateway.rest.routes import backend
from libs import problems

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PLACES = ("/", "/docs")
"""Where a sign-in may lead; anywhere else would let a link lead to another site."""


def link(address: str, secret: str) -> str:
    """Gives the link that signs a browser in."""
    return f"{address}/sign-in?key={quote(secret)}"


@router.get("/sign-in")
async def sign_in_by_link(request: Request, key: Annotated[str | None, Query()] = None) -> Response:
    """Signs in whoever opens the link that was printed at the start; else shows the form."""
    if key is None:
        return form_page(request, "/")
    return await _signed_in(request, key, "/")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Signs in whoever knows a key."""
    refuse_cross_site(request)
    fields = await form(request)
    place = fields.get("next", "/")
    return await _signed_in(
        request, fields.get("key", "").strip(), place if place in PLACES else "/"
    )


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    cookie = request.cookies.get(sessions.COOKIE, "")
    sessions.check_csrf_token(cookie, (await form(request)).get("csrf_token"))
    await backend(request).access.sign_out(cookie)
    answer = RedirectResponse("/", status.HTTP_303_SEE_OTHER)
    answer.headers.append("Set-Cookie", sessions.CLEARED_COOKIE)
    return answer


def form_page(request: Request, place: str, problem: problems.Problem | None = None) -> Response:
    """Gives the sign-in form; `place` is where it leads."""
    return templates(request).page(
        "sign_in.html",
        status=status_of(problem) if problem else status.HTTP_200_OK,
        place=place,
        problem=problem.message if problem else None,
        key_file=backend(request).settings.admin_key_file.name,
    )


async def _signed_in(request: Request, secret: str, place: str) -> Response:
    try:
        token = await backend(request).access.sign_in(secret)
    except (problems.Unauthenticated, problems.Forbidden) as problem:
        return form_page(request, place, problem)
    answer = RedirectResponse(place, status.HTTP_303_SEE_OTHER)
    https = request.url.scheme == "https"
    answer.headers.append("Set-Cookie", sessions.cookie_header(token, https=https))
    return answer
