"""What stands behind the routes, and how they ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc

from gateway.access import Access
from gateway.batches import Record
from gateway.intake import Intake
from gateway.peers import Services
from gateway.rest.health import Health
from gateway.rest.queues import Queues
from gateway.settings import GatewaySettings
from libs import problems
from libs.clock import Clock
from libs.rpc import client

SIGN_OF_LIFE = 15.0
"""Seconds after which a silent stream sends something; proxies cut connections that are silent."""


class ServiceUnavailable(problems.Unavailable):
    """A part of Runwarden does not answer; the same call will work when it is back."""

    reason = "SERVICE_UNAVAILABLE"


class ServiceSlow(problems.OutOfTime):
    """A part of Runwarden did not answer in time; whether it acted is not known."""

    reason = "SERVICE_SLOW"


@dataclass(frozen=True, slots=True)
class Backend:
    """The services, who may ask them, and what the gateway itself knows."""

    services: Services
    access: Access
    settings: GatewaySettings
    clock: Clock
    health: Health
    queues: Queues
    record: Record
    """Hands executions to ingestion, together with those of the webhook door."""
    intake: Intake
    """The same for what is read leniently, as the door reads it."""
    seconds: float
    """How long a call waits for a service."""
    sign_of_life: float = SIGN_OF_LIFE

    @contextmanager
    def asking(self, service: str) -> Iterator[None]:
        """Wraps calls of a service: gives its problems, and own words where only gRPC spoke."""
        try:
            with client.telling_problems():
                yield
        except problems.OutOfTime as problem:
            if self.services.channels[service].get_state() == grpc.ChannelConnectivity.READY:
                raise ServiceSlow(
                    f"The {service} service did not answer in time; whether it acted is not known.",
                    service=service,
                ) from problem
            raise _away(service) from problem
        except problems.Unavailable as problem:
            if problem.reason != problems.Unavailable.reason:
                raise  # the service's own words
            raise _away(service) from problem


def _away(service: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"The {service} service does not answer; try again in a moment.",
        retry_after=timedelta(seconds=1),
        service=service,
    )
