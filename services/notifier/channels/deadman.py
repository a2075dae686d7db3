"""Tells a watcher outside, as long as all is well; when it hears nothing more it raises the alarm."""

import structlog

from libs.problems import InvalidRequest
from services.notifier.channels.egress import DestinationForbidden, Egress, NoAnswer

log = structlog.get_logger()


class DeadMan:
    """Posts an empty body to a URL of the operator's, if there is one."""

    def __init__(self, egress: Egress, url: str | None) -> None:
        self._egress = egress
        self._url = url

    async def alive(self) -> None:
        """Says that all is well; that nobody hears it is only logged."""
        if self._url is None:
            return
        try:
            answer = await self._egress.post(self._url, headers={}, body=b"")
        except (NoAnswer, DestinationForbidden, InvalidRequest) as error:
            log.warning("deadman.unheard", reason=str(error))
        else:
            log.debug("deadman.told", status=answer.status)
