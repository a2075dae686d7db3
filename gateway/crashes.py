"""Bugs in the log, without what a caller sent."""

from traceback import format_tb

import structlog

from libs.rpc import call

log = structlog.get_logger()


def log_crash(event: str, error: Exception) -> None:
    """Logs where a bug is. The message of its exception may quote a payload and stays out."""
    log.error(
        event,
        error=type(error).__name__,
        at=format_tb(error.__traceback__),
        request_id=call.request_id.get(),
    )
