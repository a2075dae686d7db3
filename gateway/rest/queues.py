"""What waits anywhere: webhooks, events, deliveries, scans; asked at most once a second."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from gateway.access.answers import Answers
from gateway.peers import Services
from libs import problems
from libs.clock import Clock
from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2
from libs.rpc import client

T = TypeVar("T")

SECONDS = 1.0
"""How long a service may take to say what waits."""
KEPT_FOR = timedelta(seconds=1)


OUTBOX_MAY_WAIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits; None where the service does not answer."""

    webhooks: int
    """In this gateway: taken, and not yet recorded."""
    ingestion: ingestion_pb2.GetIngestionStatusResponse | None
    scheduler: scheduler_pb2.GetSchedulerStatusResponse | None
    notifier: notifier_pb2.GetNotifierStatusResponse | None

    def concerns(self) -> list[str]:
        """Says, for people, what of it should not be."""
        return list(self._concerns())

    def _concerns(self) -> Iterator[str]:
        for teller, told in (("ingestion", self.ingestion), ("scheduler", self.scheduler)):
            if told is None:
                continue
            age = told.outbox_oldest_age.ToTimedelta()
            if age > OUTBOX_MAY_WAIT:
                waits = f"waits for {age.total_seconds():.0f} s"
                yield f"What {teller} must tell the notifier {waits}."
            if lost := told.dead_letter_count:
                yield f"The notifier refused {lost} events of {teller} for good; nobody was told."


class Queues:
    """Asks the services what waits, all at once."""

    def __init__(self, services: Services, clock: Clock, held: Callable[[], int]) -> None:
        self._services = services
        self._held = held
        self._answers: Answers[str, Waiting] = Answers(self._asked, clock, most=1)

    async def waiting(self) -> Waiting:
        """Gives what waits, as of a second ago at most."""
        return await self._answers.of("")

    async def _asked(self, _: str) -> tuple[Waiting, timedelta]:
        ingestion, scheduler, notifier = await asyncio.gather(
            _if_told(
                self._services.ingestion.GetIngestionStatus(
                    ingestion_pb2.GetIngestionStatusRequest(), timeout=SECONDS
                )
            ),
            _if_told(
                self._services.scheduler.GetSchedulerStatus(
                    scheduler_pb2.GetSchedulerStatusRequest(), timeout=SECONDS
                )
            ),
            _if_told(
                self._services.notifier.GetNotifierStatus(
                    notifier_pb2.GetNotifierStatusRequest(), timeout=SECONDS
                )
            ),
        )
        return Waiting(self._held(), ingestion, scheduler, notifier), KEPT_FOR


async def _if_told(answer: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(SECONDS):
            with client.telling_problems():
                return await answer
    except (TimeoutError, problems.Problem):
        return None  # that it does not answer is said by its own part
