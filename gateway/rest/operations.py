"""How Runwarden itself is."""

import ipaddress
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.access import Scope
from gateway.rest import health, openapi
from gateway.rest.callers import caller_of
from gateway.rest.models.operations import (
    Alive,
    DetailedHealth,
    IngestionQueue,
    NotifierQueue,
    PartHealth,
    Queues,
    SchedulerQueue,
    SchedulerStatus,
)
from gateway.rest.problems import NotReady
from gateway.rest.queues import Waiting
from gateway.rest.routes import Back, KeyedRoute, Who
from libs.contracts.scheduler.v1 import scheduler_pb2 as pb

open_router = APIRouter(tags=["Operations"])
router = APIRouter(tags=["Operations"], route_class=KeyedRoute)

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Whoever comes through a proxy on this machine is not on this machine."""


@open_router.head("/health", include_in_schema=False)
@open_router.get("/health")
async def get_health() -> Alive:
    """Says that the gateway is alive. Asks nobody and needs no key."""
    return Alive()


@open_router.head("/health/ready", include_in_schema=False)
@open_router.get("/health/ready", responses=openapi.told(503))
async def get_readiness(back: Back) -> Alive:
    """Says that everything needed to answer calls serves; else 503. Needs no key."""
    if not await back.health.ready():
        raise NotReady
    return Alive()


@open_router.get("/metrics", response_class=Response)
async def expose_metrics(request: Request, back: Back) -> Response:
    """Gives the gateway's metrics in Prometheus' text format.

    Needs a key with `read`, except from the machine itself.
    """
    if not _from_this_machine(request):
        (await caller_of(request, back.access)).require(Scope.READ)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/health/detailed")
async def get_detailed_health(back: Back, caller: Who) -> DetailedHealth:
    """Says how each part is, since when, what was wrong last, and what waits."""
    caller.require(Scope.READ)
    parts, waiting = await back.health.parts(), await back.queues.waiting()
    concerns = waiting.concerns()
    verdict = health.overall(parts)
    return DetailedHealth(
        status="warn" if concerns and verdict == "pass" else verdict,
        checked_at=back.clock.now(),
        parts=[PartHealth.model_validate(each) for each in parts],
        concerns=concerns,
        queues=_queues(waiting),
    )


def _queues(waiting: Waiting) -> Queues:
    return Queues(
        webhooks=waiting.webhooks,
        ingestion=IngestionQueue.of(waiting.ingestion) if waiting.ingestion else None,
        scheduler=SchedulerQueue.of(waiting.scheduler) if waiting.scheduler else None,
        notifier=NotifierQueue.of(waiting.notifier) if waiting.notifier else None,
    )


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi(request: Request, caller: Who) -> dict[str, Any]:
    """Gives the OpenAPI document."""
    caller.require(Scope.READ)
    return openapi.of(request.app)


@router.get("/internal/scheduler-status")
async def get_scheduler_status(back: Back, caller: Who) -> SchedulerStatus:
    """Says within a second whether the scheduler's clockwork is alive and on time."""
    caller.require(Scope.READ)
    with back.asking("scheduler"):
        response = await back.services.scheduler.GetSchedulerStatus(
            pb.GetSchedulerStatusRequest(), timeout=health.SECONDS
        )
    return SchedulerStatus.of(response)


def _from_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
