"""Notifiers as programs of their own on one database, and receivers that count what they get."""

import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from contextlib import AsyncExitStack

import grpc
from aiohttp import web

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.ids import new_id
from libs.rpc.health import serves
from tests.support.programs import free_port, started
from tests.support.waiting import eventually

SECONDS = 30
MOST_EVENTS = 500


class Hooks:
    """Takes webhooks on loopback: each path is one target."""

    def __init__(self, *, takes: float = 0, fails=lambda _: False) -> None:
        self.requests = 0
        self.delivered: Counter[str] = Counter()
        """What was accepted, by the id of the scan or workflow, once for each time."""
        self.order: defaultdict[str, list[str]] = defaultdict(list)
        self.bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        self.at_once = 0
        self.port = 0
        self._takes = takes
        self._fails = fails
        self._open: Counter[str] = Counter()

    async def start(self, stack: AsyncExitStack) -> None:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._receive)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]

    async def _receive(self, request: web.Request) -> web.Response:
        body, path = await request.read(), request.path
        self.requests += 1
        self._open[path] += 1
        self.at_once = max(self.at_once, self._open[path])
        try:
            await asyncio.sleep(self._takes)
        finally:
            self._open[path] -= 1
        self.bodies[request.headers["webhook-id"]].add(hashlib.sha256(body).digest())
        if self._fails(self.requests):
            return web.Response(status=503)
        for name in _named_in(json.loads(body)):
            self.delivered[name] += 1
            self.order[path].append(name)
        return web.Response()


class Notifiers:
    """Several processes; `stubs` are theirs, in the order they were started."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.processes: list[asyncio.subprocess.Process] = []
        self.stubs: list[rpc.NotifierServiceStub] = []
        self._stack = stack

    async def start(self) -> None:
        """Starts one more, and waits until it serves."""
        port = free_port()
        process = await started(
            "services.notifier",
            NOTIFIER_PORT=port,
            NOTIFIER_DATABASE_URL=self.url,
            NOTIFIER_EGRESS_ALLOW="127.0.0.1",
            NOTIFIER_GROUP_WAIT="PT0S",
            ENCRYPTION_KEYS="a key of the test",
            LOG_LEVEL="ERROR",
        )
        self._stack.push_async_callback(_ended, process)
        address = f"127.0.0.1:{port}"
        await eventually(lambda: serves(address), within=30, every=0.1)
        channel = await self._stack.enter_async_context(grpc.aio.insecure_channel(address))
        self.processes.append(process)
        self.stubs.append(rpc.NotifierServiceStub(channel))

    async def kill_oldest(self) -> None:
        """Kills the process that was started first, and forgets it."""
        self.stubs.pop(0)
        process = self.processes.pop(0)
        process.kill()
        await process.wait()

    async def target(self, location_id: str, url: str) -> None:
        target = pb.Target(location_id=location_id, channel="webhook", address=url)
        await self.stubs[0].UpsertTarget(pb.UpsertTargetRequest(target=target), timeout=SECONDS)

    async def report(self, events: list[pb.Event]) -> None:
        """Reports events through all processes in turn."""
        for first in range(0, len(events), MOST_EVENTS):
            stub = self.stubs[first // MOST_EVENTS % len(self.stubs)]
            request = pb.ReportEventsRequest(events=events[first : first + MOST_EVENTS])
            await stub.ReportEvents(request, timeout=SECONDS)


def a_summary(location_id: str, scan_id: str) -> pb.Event:
    """Gives an event whose message is never folded."""
    detail = pb.ScanCompleted(scan_id=scan_id, workflows_scanned=1, new_issues=1)
    return pb.Event(event_id=new_id(), location_id=location_id, scan_completed=detail)


def a_low_score(location_id: str, workflow_id: str) -> pb.Event:
    """Gives an event whose message is folded with others of its target."""
    detail = pb.ScoreLow(scan_id="scan", workflow_id=workflow_id, score=40)
    return pb.Event(event_id=new_id(), location_id=location_id, score_low=detail)


def _named_in(body: dict) -> list[str]:
    told = body["data"]
    alerts = [each["data"] for each in told["items"]] or [told]
    return [each["detail"].get("workflow_id") or each["detail"]["scan_id"] for each in alerts]


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
