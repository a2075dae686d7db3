"""The kind of route that asks for the key first and refuses what it does not know."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.access import Caller, Scope
from gateway.rest import wire
from gateway.rest.backend import Backend
from gateway.rest.callers import caller_of
from gateway.rest.problems import PageSizeTwice, TextMalformed, UnknownParameter
from libs import paging, problems

Answering = Callable[[Request], Coroutine[Any, Any, Response]]


class KeyedRoute(APIRoute):
    """Answers only who shows a key, before anything else of the request is looked at."""

    def get_route_handler(self) -> Answering:
        """Gives what answers a request of this route."""
        answer, known = super().get_route_handler(), sorted(_query_names(self.dependant))

        async def guarded(request: Request) -> Response:
            await caller_of(request, backend(request).access)
            _refuse_unknown(request.query_params.keys(), known)
            _refuse_nul([*request.query_params.values(), *request.path_params.values()])
            return await answer(request)

        return guarded


def backend(request: Request) -> Backend:
    """Gives what the app was made with."""
    found: Backend = request.app.state.backend
    return found


def caller(request: Request) -> Caller:
    """Gives who asks, as the route found out."""
    found: Caller = request.state.caller
    return found


def location_for(scope: Scope) -> Callable[..., str]:
    """Gives the dependency that names the location a caller with this scope asks about."""

    def location(
        caller: Annotated[Caller, Depends(caller)],
        location_id: Annotated[
            str | None,
            Query(
                description="The location. Needed with a key of the agency; "
                "a key of a location knows its own.",
                examples=["loc-demo"],
            ),
        ] = None,
    ) -> str:
        caller.require(scope)
        return caller.location(location_id)

    return location


def reach_for(scope: Scope) -> Callable[..., str]:
    """Gives the dependency that names a location, or nothing for what is about all of them."""

    def reach(
        caller: Annotated[Caller, Depends(caller)],
        location_id: Annotated[
            str | None,
            Query(
                description="The location. Needed with a key of the agency, unless all are meant.",
                examples=["loc-demo"],
            ),
        ] = None,
        *,
        all_locations: Annotated[
            bool,
            Query(description="What is about all locations at once. Needs a key of the agency."),
        ] = False,
    ) -> str:
        if all_locations:
            caller.require_agency(scope)
            return ""
        caller.require(scope)
        return caller.location(location_id)

    return reach


class AskedPage(NamedTuple):
    """Which page of a list, and how long it may be."""

    size: int
    token: str


def asked_page(
    limit: Annotated[
        int | None, Query(description="At most this many; 0 means 50, above 500 is read as 500.")
    ] = None,
    page_size: Annotated[int | None, Query(description="The same as `limit`.")] = None,
    page_token: Annotated[str, Query(description="The `next_page_token` of the page before.")] = "",
) -> AskedPage:
    """Reads which page a caller asks for."""
    if limit is not None and page_size is not None:
        raise PageSizeTwice.at("page_size")
    asked = limit or page_size or 0
    if asked < 0:
        raise paging.PageSizeNegative.at("limit" if limit else "page_size")
    return AskedPage(wire.int32(asked), page_token)


Back = Annotated[Backend, Depends(backend)]
Who = Annotated[Caller, Depends(caller)]
ReadLocation = Annotated[str, Depends(location_for(Scope.READ))]
WriteLocation = Annotated[str, Depends(location_for(Scope.WRITE))]
ReadReach = Annotated[str, Depends(reach_for(Scope.READ))]
WriteReach = Annotated[str, Depends(reach_for(Scope.WRITE))]
PageAsked = Annotated[AskedPage, Depends(asked_page)]
IfMatch = Annotated[
    str | None,
    Header(description="Change only the version with this `ETag`; else 412.", examples=['"3f2a"']),
]


def _query_names(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_query_names(each) for each in dependant.dependencies))


def _refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    unknown = [name for name in given if name not in known]
    if not unknown:
        return
    takes = ", ".join(known) or "none at all"
    raise UnknownParameter(
        f"`{unknown[0][:100]}` is no parameter of this path; it takes {takes}.",
        fields=[problems.FieldError(name[:100], f"Known here: {takes}.") for name in unknown],
        parameter=unknown[0],
    )


def _refuse_nul(texts: Iterable[Any]) -> None:
    if any("\x00" in str(text) for text in texts):
        raise TextMalformed
