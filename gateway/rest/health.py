"""How each part is: asked at most once a second, and remembered since when."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.access import Access
from gateway.access.answers import Answers
from gateway.peers import Services
from libs import problems
from libs.clock import Clock
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2
from libs.rpc import client

SECONDS = 1.0
"""How long a part may take to say how it is."""

KEPT_FOR = timedelta(seconds=1)
"""Health is asked without a key, so asking it often must cost nothing."""

DELIVERIES = "deliveries"
"""Whether alerts go out on time; the notifier itself may answer while they do not."""

CLOCKWORK = "clockwork"
"""The scheduler's sense of time: it may be late while the service itself answers."""

LATE = (CLOCKWORK, DELIVERIES)
"""Parts that may be late while every call can be answered."""

Verdict = Literal["pass", "warn", "fail"]
_WORST_FIRST: Sequence[Verdict] = ("fail", "warn", "pass")
_CLOCKWORK_VERDICTS: Mapping[int, Verdict] = {
    scheduler_pb2.GetSchedulerStatusResponse.STATE_OK: "pass",
    scheduler_pb2.GetSchedulerStatusResponse.STATE_DEGRADED: "warn",
}


@dataclass(frozen=True, slots=True)
class PartHealth:
    """How one part is, and how it was."""

    part: str
    status: Verdict
    latency_ms: float
    since: datetime
    """When it was first seen to be as it is."""
    last_error: str | None = None
    last_error_at: datetime | None = None


class Unwell(Exception):
    """A part says, in words for people, that it is not well."""

    def __init__(self, status: Verdict, why: str) -> None:
        super().__init__(why)
        self.status = status


Check = Callable[[], Awaitable[None]]


class Health:
    """Asks the parts how they are, all at once."""

    def __init__(self, services: Services, access: Access, clock: Clock) -> None:
        self._services = services
        self._access = access
        self._clock = clock
        self._known: dict[str, PartHealth] = {}
        self._checks: dict[str, Check] = {"database": self._database}
        for name, channel in services.channels.items():
            self._checks[name] = _Serving(channel)
        self._checks[DELIVERIES] = self._deliveries
        self._checks[CLOCKWORK] = self._clockwork
        self._answers: Answers[str, list[PartHealth]] = Answers(self._asked, clock, most=1)

    async def parts(self) -> list[PartHealth]:
        """Gives how each part is, as of a second ago at most."""
        return await self._answers.of("")

    async def ready(self) -> bool:
        """Says whether everything that calls need does serve."""
        return all(each.status == "pass" for each in await self.parts() if each.part not in LATE)

    async def _asked(self, _: str) -> tuple[list[PartHealth], timedelta]:
        checks = [self._ask(part, check) for part, check in self._checks.items()]
        return list(await asyncio.gather(*checks)), KEPT_FOR

    async def _ask(self, part: str, check: Check) -> PartHealth:
        started = time.perf_counter()
        status, why = await _verdict(check)
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        return self._note(part, status, why, milliseconds)

    def _note(self, part: str, status: Verdict, why: str | None, latency_ms: float) -> PartHealth:
        now = self._clock.now()
        known = self._known.get(part) or PartHealth(part, status, latency_ms, now)
        since = known.since if known.status == status else now
        noted = replace(known, status=status, latency_ms=latency_ms, since=since)
        if why is not None:
            noted = replace(noted, last_error=why, last_error_at=now)
        self._known[part] = noted
        return noted

    async def _database(self) -> None:
        await self._access.list_locations(page_size=1)

    async def _clockwork(self) -> None:
        with client.telling_problems():
            answer = await self._services.scheduler.GetSchedulerStatus(
                scheduler_pb2.GetSchedulerStatusRequest(), timeout=SECONDS
            )
        verdict = _CLOCKWORK_VERDICTS.get(answer.state, "fail")
        if verdict != "pass":
            raise Unwell(verdict, answer.reason)

    async def _deliveries(self) -> None:
        with client.telling_problems():
            answer = await self._services.notifier.GetNotifierStatus(
                notifier_pb2.GetNotifierStatusRequest(), timeout=SECONDS
            )
        if answer.state != notifier_pb2.GetNotifierStatusResponse.STATE_OK:
            raise Unwell("warn", answer.reason)


class _Serving:
    """Asks a service over gRPC's own health contract."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = health_pb2_grpc.HealthStub(channel)

    async def __call__(self) -> None:
        with client.telling_problems():
            answer = await self._stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unwell("fail", "It says that it does not serve.")


async def _verdict(check: Check) -> tuple[Verdict, str | None]:
    try:
        async with asyncio.timeout(SECONDS):
            await check()
    except Unwell as unwell:
        return unwell.status, str(unwell)
    except (TimeoutError, problems.OutOfTime):
        return "fail", f"It does not answer within {SECONDS:.0f} s."
    except problems.Problem as problem:
        return "fail", f"It answers {problem.reason}."
    return "pass", None


def overall(parts: Sequence[PartHealth]) -> Verdict:
    """Gives the worst verdict of all parts."""
    return min((each.status for each in parts), key=_WORST_FIRST.index)
