"""Keeps the definitions of workflows, and reads those that HighLevel gives."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from libs.db.database import Database
from libs.secrets import SecretBox
from services.scheduler.actions.attempts import Attempts
from services.scheduler.domain.definition import read_definition
from services.scheduler.domain.upload import Origin, Understood, decoded, encoded
from services.scheduler.ghl.budget import AT_A_TIME
from services.scheduler.ghl.client import ConnectedLocation
from services.scheduler.ghl.values import Resource
from services.scheduler.store import definitions
from services.scheduler.store.definitions import SealedDefinition


class Definitions:
    """The definitions of workflows, each in memory only while somebody looks at it."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def keep(
        self,
        location_id: str,
        workflow_id: str,
        origin: Origin,
        understood: Understood,
        *,
        actor: str = "",
    ) -> tuple[datetime, bool]:
        """Keeps a definition; gives when, and whether the same was there already."""
        definition, digest = understood.definition, understood.digest
        sealed = SealedDefinition(
            workflow_id=workflow_id,
            origin=origin,
            content=self._box.seal(zlib.compress(understood.content)),
            digest=digest,
            size=len(understood.content),
            name=definition.name,
            status=definition.status,
            step_count=len(definition.steps),
            uploaded_by=actor,
        )
        async with self._database.transaction() as session:
            before = await definitions.digest(session, location_id, workflow_id, origin)
            at = await definitions.put(session, location_id, sealed)
        return at, before == digest

    async def contents(
        self, location_id: str, origins: Mapping[str, Origin]
    ) -> dict[str, Mapping[str, object] | None]:
        """Gives the definitions of workflows, each of the origin that is asked for.

        One that was sealed with a key that is gone is as good as none.
        """
        async with self._database.transaction() as session:
            sealed = await definitions.contents(session, location_id, origins)
        return {id_: self._opened(content) for id_, content in sealed.items()}

    async def fetch(
        self,
        ghl: ConnectedLocation,
        location_id: str,
        workflow_ids: Sequence[str],
        attempts: Attempts,
    ) -> set[str]:
        """Reads definitions from HighLevel and keeps them; gives the ids of those it gave."""
        left = iter(workflow_ids[1:])
        fetched: set[str] = set()

        async def work(ids: Iterator[str]) -> None:
            for workflow_id in ids:
                if attempts.stopped or Resource.DEFINITIONS in attempts.unreadable:
                    return
                if await self._fetched(ghl, location_id, workflow_id, attempts):
                    fetched.add(workflow_id)

        # The first one alone: where the API is not switched on, one call tells.
        await work(iter(workflow_ids[:1]))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(work(left))
        if Resource.DEFINITIONS not in attempts.unreadable:
            missed = len(workflow_ids) - len(fetched)
            attempts.count(Resource.DEFINITIONS, missed, len(workflow_ids))
        return fetched

    async def _fetched(
        self, ghl: ConnectedLocation, location_id: str, workflow_id: str, attempts: Attempts
    ) -> bool:
        given = await attempts.of(Resource.DEFINITIONS, lambda: ghl.definition(workflow_id))
        if given is None:
            return False
        read = Understood(encoded(given.content), read_definition(given.content))
        await self.keep(location_id, workflow_id, Origin.GHL, read)
        return True

    def _opened(self, content: bytes) -> Mapping[str, object] | None:
        try:
            value = decoded(zlib.decompress(self._box.open(content)))
        except ValueError:
            return None
        return value if isinstance(value, dict) else {"steps": value}
