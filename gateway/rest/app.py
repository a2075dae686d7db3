"""Puts the REST API and the pages together into one ASGI app."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from gateway.access import Access
from gateway.batches import Batches
from gateway.intake import Intake
from gateway.pages import first, links, signing_in
from gateway.pages.rendering import STATIC, Templates
from gateway.peers import SECONDS, Services
from gateway.rest import (
    alert_settings,
    alerts,
    analyses,
    connections,
    contacts,
    definitions,
    executions,
    explanations,
    findings,
    gaps,
    incidents,
    keys,
    live,
    locations,
    operations,
    quarantine,
    recording,
    scans,
    schedules,
    silences,
    targets,
    transfers,
    workflows,
)
from gateway.rest import problems as told
from gateway.rest.backend import SIGN_OF_LIFE, Backend
from gateway.rest.health import Health
from gateway.rest.middleware import Requests
from gateway.rest.queues import Queues
from gateway.settings import GatewaySettings
from libs import problems
from libs.clock import Clock

VERSION = "1"

ROUTERS = (
    transfers.router,  # before one execution, whose id could be "export"
    executions.router,
    definitions.router,  # before one workflow, whose id could be "changes"
    workflows.router,  # after the metrics of many, whose path looks like a workflow's
    analyses.router,
    live.router,
    recording.router,
    gaps.router,
    quarantine.router,
    contacts.router,
    schedules.router,
    scans.router,
    alert_settings.router,
    findings.router,
    alerts.router,
    targets.router,
    explanations.router,
    incidents.router,
    silences.router,
    keys.router,
    locations.router,
    connections.router,
    operations.open_router,
    operations.router,
    first.router,
    signing_in.router,
    links.router,
)


def create(
    services: Services,
    access: Access,
    settings: GatewaySettings,
    clock: Clock,
    batches: Batches,
    *,
    seconds: float = SECONDS,
    sign_of_life: float = SIGN_OF_LIFE,
) -> FastAPI:
    """Gives the app that answers everything behind the webhook door."""
    app = FastAPI(
        title="Runwarden",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        generate_unique_id_function=_operation_id,
    )
    health = Health(services, access, clock)
    queues = Queues(services, clock, batches.held)
    app.state.backend = Backend(
        services=services,
        access=access,
        settings=settings,
        clock=clock,
        health=health,
        queues=queues,
        record=batches.record,
        intake=Intake(access, batches),
        seconds=seconds,
        sign_of_life=sign_of_life,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.state.templates = Templates()
    app.add_exception_handler(problems.Problem, _tell_problem)
    app.add_exception_handler(RequestValidationError, _tell_malformed)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_middleware(Requests)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _tell_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, problems.Problem)
    return told.answer(problem, request.url.path)


async def _tell_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes) and error.body:
        return told.answer(told.ContentTypeNotJson(), request.url.path)
    return told.answer(told.from_validation(error.errors()), request.url.path)


async def _tell_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = told.answer(told.from_http(error.status_code), request.url.path)
    answer.headers.update(error.headers or {})
    return answer
