"""Who looks at a page: signed in or not, and what a form carries."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute

from gateway.access import Caller, Scope
from gateway.pages.rendering import Templates
from gateway.rest.callers import caller_of
from gateway.rest.problems import headers_of, status_of
from gateway.rest.routes import Answering, backend
from libs import problems
from libs.rpc import call

MOST_FIELDS = 20


class PageRoute(APIRoute):
    """Tells problems as a page."""

    def get_route_handler(self) -> Answering:
        """Gives what answers a request of this route."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except problems.Problem as problem:
                return _problem_page(request, problem)

        return answered


class CrossSite(problems.Forbidden):
    """The form was sent by a page of another site; open Runwarden itself and sign in there."""

    reason = "CROSS_SITE"


def templates(request: Request) -> Templates:
    """Gives the templates the app was made with."""
    found: Templates = request.app.state.templates
    return found


async def visitor(request: Request) -> Caller | None:
    """Gives who is signed in and may read; None when a sign-in form is the answer."""
    try:
        caller = await caller_of(request, backend(request).access)
    except problems.Unauthenticated:
        return None
    caller.require(Scope.READ)
    return caller


class FormTooLong(problems.InvalidRequest):
    """The form has more than 20 fields, and none of ours has; send it from its page."""

    reason = "FORM_TOO_LONG"


async def form(request: Request) -> Mapping[str, str]:
    """Gives the fields of a form, as browsers send it; raises `FormTooLong`."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise FormTooLong from error


def refuse_cross_site(request: Request) -> None:
    """Raises `CrossSite` when a browser says that another site sent the form."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise CrossSite


def _problem_page(request: Request, problem: problems.Problem) -> Response:
    broken = isinstance(problem, problems.Broken)
    return templates(request).page(
        "problem.html",
        status=status_of(problem),
        headers=headers_of(problem),
        title="Something broke" if broken else problem.message,
        request_id=call.request_id.get(),
    )
