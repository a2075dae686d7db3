"""Gathers what can be known of a location before its workflows are judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from libs.db import outbox
from libs.db.database import Database
from services.scheduler.actions.attempts import Attempts
from services.scheduler.actions.completing import to_tell
from services.scheduler.actions.definitions import Definitions
from services.scheduler.actions.reaching import Reaching
from services.scheduler.actions.referencing import references
from services.scheduler.domain.definition import LocationGraph, links_of, read_definition
from services.scheduler.domain.events import ConnectionExpired, ConnectionRestored, Event
from services.scheduler.domain.evidence import LocationEvidence, WorkflowEvidence
from services.scheduler.domain.schedule import ScanScope
from services.scheduler.domain.subject import (
    FOLLOWED,
    SeenWorkflow,
    Subject,
    in_scope,
    subjects,
    version_changes,
)
from services.scheduler.domain.upload import KeptDefinition, Origin
from services.scheduler.domain.workflow import ListedWorkflow, changes
from services.scheduler.ghl.client import ConnectedLocation
from services.scheduler.ghl.problems import ConnectionExpired as TokenRefused
from services.scheduler.ghl.problems import GhlRefused
from services.scheduler.ghl.values import Listing, Resource, WorkflowMetadata
from services.scheduler.peers import IngestionPeer
from services.scheduler.store import (
    connections,
    definitions,
    known_findings,
    snapshots,
    workflow_changes,
)
from services.scheduler.store.now import now
from services.scheduler.store.scans import Scan

LONGEST_ID = 64
RULES_ON_CHANGES = ("GHL101", "GHL102")
"""What they found stands until the opposite is seen, not only at the scan that saw the change."""
CHUNK = 20
"""Definitions that are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a scan knows of its location, and which workflows it looks at.

    `origins` says of which workflows there are definitions, and where from.
    """

    location: LocationEvidence
    subjects: Sequence[Subject]
    unknown: Sequence[str]
    """Selected workflows that nobody has ever seen."""
    list_read: bool = False
    origins: Mapping[str, Origin] = field(default_factory=dict)
    definition_refusal: str = ""
    ghl_calls: int = 0


class Gathering:
    """Reads the list, the definitions and the reference lists, and keeps what lasts."""

    def __init__(
        self,
        database: Database,
        ingestion: IngestionPeer,
        reaching: Reaching,
        definitions: Definitions,
        *,
        on_events: Callable[[], object],
    ) -> None:
        self._database = database
        self._ingestion = ingestion
        self._reaching = reaching
        self._definitions = definitions
        self._on_events = on_events

    async def gather(self, scan: Scan) -> Gathered:
        """Gives what can be known; what HighLevel does not give makes the scan partial, not failed."""
        location_id, attempts = scan.location_id, Attempts()
        seen = await self._ingestion.workflows(location_id)
        ghl = await self._reached(location_id, attempts)
        listing = await attempts.of(Resource.WORKFLOWS, ghl.workflows) if ghl else None
        if listing is not None:
            await self._learn(location_id, listing)
        found, at = await self._subjects(scan, seen, list_read=listing is not None)
        wanted, unknown = in_scope(found, scan.scan_scope, scan.selected_workflow_ids, at)
        origins = await self._read_definitions(ghl, scan, found, wanted, attempts)
        lists = await references(ghl, attempts, _ids(listing)) if ghl and origins else None
        await self._note_connection(location_id, attempts, answered=listing is not None)
        return Gathered(
            location=LocationEvidence(
                location_id=location_id,
                references=lists,
                graph=await self._graph(location_id, found, origins, whole=listing is not None),
                reporting_workflows=sum(each.ran_lately(at) for each in seen),
                cut_short=attempts.cut_short,
            ),
            subjects=wanted,
            unknown=unknown,
            list_read=listing is not None,
            origins=origins,
            definition_refusal=attempts.refusal_of(Resource.DEFINITIONS) or attempts.cut_short,
            ghl_calls=ghl.calls if ghl else 0,
        )

    async def evidence(
        self, gathered: Gathered, chunk: Sequence[Subject]
    ) -> list[WorkflowEvidence]:
        """Gives all that is known of a few workflows, in their order."""
        location_id = gathered.location.location_id
        ids = [each.workflow_id for each in chunk]
        histories = await self._ingestion.histories(location_id, ids)
        wanted = {id_: gathered.origins[id_] for id_ in ids if id_ in gathered.origins}
        contents = await self._definitions.contents(location_id, wanted) if wanted else {}
        async with self._database.transaction() as session:
            since = await now(session) - FOLLOWED
            changed = await workflow_changes.since(session, location_id, ids, since)
            standing = await known_findings.standing(session, location_id, ids, RULES_ON_CHANGES)
        return [
            WorkflowEvidence(
                workflow_id=each.workflow_id,
                workflow_name=each.name,
                status=each.status,
                history=history,
                definition=contents.get(each.workflow_id),
                definition_refusal=gathered.definition_refusal,
                listed=each.listed,
                selected=each.selected,
                created_at=each.known.listed.created_at if each.known else None,
                version=each.known.listed.version if each.known else None,
                previous=each.known.previous if each.known else None,
                standing=standing.get(each.workflow_id, frozenset()),
                version_changes=(
                    version_changes(changed.get(each.workflow_id, ())) if each.known else None
                ),
            )
            for each, history in zip(chunk, histories, strict=True)
        ]

    async def _reached(self, location_id: str, attempts: Attempts) -> ConnectedLocation | None:
        try:
            return await self._reaching.location(location_id)
        except (TokenRefused, GhlRefused) as problem:
            attempts.stop(problem)
            return None

    async def _learn(self, location_id: str, listing: Listing[WorkflowMetadata]) -> None:
        """Keeps what the list says and what is different now, and tells ingestion."""
        listed = [_listed(each) for each in listing.items if len(each.id) <= LONGEST_ID]
        whole = not listing.skipped
        async with self._database.transaction() as session:
            known = await snapshots.of_location(session, location_id)
            found = changes(known, listed, await now(session), whole=whole)
            await workflow_changes.add(session, location_id, found)
            await workflow_changes.forget_old(session, location_id)
            await snapshots.keep(session, location_id, listed, whole=whole)
        await self._ingestion.report(location_id, listed)

    async def _subjects(
        self, scan: Scan, seen: Sequence[SeenWorkflow], *, list_read: bool
    ) -> tuple[dict[str, Subject], datetime]:
        async with self._database.transaction() as session:
            at = await now(session)
            known = await snapshots.of_location(session, scan.location_id)
            kept = await definitions.kept(session, scan.location_id)
        uploads = {id_: each for id_, found in kept.items() for each in found if _is_upload(each)}
        selected = scan.selected_workflow_ids if scan.scan_scope is ScanScope.SELECTED else ()
        return subjects(seen, known, uploads, list_read=list_read, selected=selected), at

    async def _read_definitions(
        self,
        ghl: ConnectedLocation | None,
        scan: Scan,
        found: Mapping[str, Subject],
        wanted: Sequence[Subject],
        attempts: Attempts,
    ) -> dict[str, Origin]:
        """Gives where definitions are to be had: HighLevel's of now, else what was uploaded.

        What an earlier attempt at the scan has read is not read again.
        """
        origins = {id_: Origin.UPLOAD for id_, each in found.items() if each.upload}
        if ghl is None:
            return origins
        needed = [each.workflow_id for each in _needed(scan, found, wanted)]
        read = await self._read_before(scan, needed)
        left = [id_ for id_ in needed if id_ not in read]
        read |= await self._definitions.fetch(ghl, scan.location_id, left, attempts)
        return origins | dict.fromkeys(read, Origin.GHL)

    async def _read_before(self, scan: Scan, workflow_ids: Sequence[str]) -> set[str]:
        if scan.started_at is None:
            return set()
        async with self._database.transaction() as session:
            kept = await definitions.kept(session, scan.location_id, workflow_ids)
        return {
            id_
            for id_, found in kept.items()
            for each in found
            if each.origin is Origin.GHL and each.read_at >= scan.started_at
        }

    async def _graph(
        self,
        location_id: str,
        found: Mapping[str, Subject],
        origins: Mapping[str, Origin],
        *,
        whole: bool,
    ) -> LocationGraph | None:
        """Reads all definitions, one chunk after the other, and keeps a few names of each."""
        if not origins:
            return None
        links = []
        ids = sorted(origins)
        for start in range(0, len(ids), CHUNK):
            chunk = {id_: origins[id_] for id_ in ids[start : start + CHUNK]}
            for id_, content in (await self._definitions.contents(location_id, chunk)).items():
                definition = read_definition(content)
                if definition.readable:
                    subject = found[id_]
                    live = _live(subject, definition.status)
                    name = subject.name
                    links.append(
                        links_of(definition, workflow_id=id_, workflow_name=name, live=live)
                    )
        read = {each.workflow_id for each in links}
        unread = (each for each in found.values() if each.workflow_id not in read)
        return LocationGraph(links, complete=whole and all(_idle(each) for each in unread))

    async def _note_connection(
        self, location_id: str, attempts: Attempts, *, answered: bool
    ) -> None:
        """Keeps how the connection fared; tells when it ends, and when it works again."""
        events: list[Event] = []
        async with self._database.transaction() as session:
            at = await now(session)
            if attempts.expired is not None:
                error = attempts.expired.message
                if await connections.note_expired(session, location_id, error):
                    events.append(
                        ConnectionExpired(location_id=location_id, occurred_at=at, error=error)
                    )
            elif answered:
                unreadable = list(attempts.unreadable.values())
                if await connections.note_read(session, location_id, unreadable):
                    events.append(ConnectionRestored(location_id=location_id, occurred_at=at))
            await outbox.add(session, to_tell(events))
        if events:
            self._on_events()


def _needed(
    scan: Scan, found: Mapping[str, Subject], wanted: Sequence[Subject]
) -> Iterable[Subject]:
    """Gives the workflows whose definitions are worth a call: judged ones, and live ones around."""
    ids = {each.workflow_id for each in wanted}
    around = scan.scan_scope is not ScanScope.SELECTED
    return (
        each
        for each in found.values()
        if each.listed and (each.workflow_id in ids or (around and not each.draft))
    )


def _live(subject: Subject, told: str) -> bool | None:
    """Says whether a workflow takes in contacts; its definition tells where the list does not."""
    evidence = WorkflowEvidence(workflow_id=subject.workflow_id, status=subject.status)
    if evidence.published is not None:
        return evidence.published
    return {"published": True, "active": True, "draft": False}.get(told)


def _idle(subject: Subject) -> bool:
    return subject.draft or subject.listed is False


def _is_upload(definition: KeptDefinition) -> bool:
    return definition.origin is Origin.UPLOAD


def _ids(listing: Listing[WorkflowMetadata] | None) -> list[str] | None:
    return [each.id for each in listing.items] if listing and not listing.skipped else None


def _listed(workflow: WorkflowMetadata) -> ListedWorkflow:
    return ListedWorkflow(
        workflow_id=workflow.id,
        name=workflow.name,
        status=workflow.status,
        version=workflow.version,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
    )
