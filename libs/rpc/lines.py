"""The one log line of a call, and its metrics."""

import time
from collections.abc import Mapping
from typing import Any, Self

import grpc
import structlog

from libs import ids, metrics
from libs.rpc import call

log = structlog.get_logger()


class Line:
    """What is told of a call, or of one request of a stream, when it is answered."""

    def __init__(
        self, service: str, method: str, sent: Mapping[str, str], *, quiet: bool = False
    ) -> None:
        """Begins with a call and its headers; of a quiet one that goes well only DEBUG tells."""
        self._service = service
        self._method = method
        self._quiet = quiet
        self.code = grpc.StatusCode.OK
        self.reason = ""
        self._started = time.perf_counter()
        self.sent = sent
        call.request_id.set(sent.get(call.REQUEST_ID_HEADER) or ids.new_id())
        call.trace.set(call.trace_from(sent.get(call.TRACE_HEADER)))

    def of(self, request: Any) -> Self:
        """Gives the line of one request of the call's stream, which says its own ids."""
        own = {call.REQUEST_ID_HEADER: request.request_id, call.TRACE_HEADER: request.traceparent}
        return type(self)(self._service, self._method, {**self.sent, **own}, quiet=self._quiet)

    @property
    def rpc(self) -> str:
        """Names the method."""
        return f"{self._service}/{self._method}"

    def write(self) -> None:
        """Tells how it was answered."""
        seconds = time.perf_counter() - self._started
        of = {"service": self._service, "method": self._method, "code": self.code.name}
        metrics.RPC_HANDLED.labels(**of).inc()
        metrics.RPC_SECONDS.labels(service=self._service).observe(seconds)
        quiet = self._quiet and self.code is grpc.StatusCode.OK
        write = log.debug if quiet else log.info
        reason = {"reason": self.reason} if self.reason else {}
        write(
            "rpc.answered",
            rpc=self.rpc,
            code=self.code.name,
            ms=round(seconds * 1000, 1),
            request_id=call.request_id.get(),
            caller=self.sent.get("user-agent", ""),
            **call.traced(),
            **reason,
        )
