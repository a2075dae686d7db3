"""Writing down who changed what."""

from typing import Annotated

import structlog
from fastapi import Depends

from gateway.rest.routes import Back, Who
from libs import problems
from libs.rpc import call

log = structlog.get_logger()


class ChangeLog:
    """Notes the changes of one request in the audit log."""

    def __init__(self, back: Back, caller: Who) -> None:
        self._access = back.access
        self._caller = caller

    async def note(self, action: str, subject: str, location_id: str | None) -> None:
        """Notes a change that was made, and the location it made known.

        The change stands whether or not it could be noted, so the caller is told
        that it was made.
        """
        try:
            if location_id is not None:
                await self._access.remember_location(location_id)
            await self._access.record(
                self._caller, action, subject, call.request_id.get(), location_id=location_id
            )
        except problems.Problem as problem:
            log.error(  # noqa: TRY400  the reason says it all
                "audit.failed",
                action=action,
                subject=subject,
                key_id=self._caller.key_id,
                request_id=call.request_id.get(),
                reason=problem.reason,
            )


Changes = Annotated[ChangeLog, Depends()]
