"""What was read, on its way into ingestion: recorded, kept in quarantine, or refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.access import Access, Caller
from gateway.batches import Batches, Outcome
from gateway.payloads import Reading, keys
from libs import problems
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb

LONGEST_DETAIL = 1_000
LONGEST_CONTENT_TYPE = 200

Status = Literal["accepted", "duplicate", "quarantined", "rejected"]
_STATUSES: dict[int, Status] = {
    pb.RecordResult.OUTCOME_ACCEPTED: "accepted",
    pb.RecordResult.OUTCOME_DUPLICATE: "duplicate",
    pb.RecordResult.OUTCOME_QUARANTINED: "quarantined",
}


class Taken(msgspec.Struct, frozen=True):
    """What became of one item."""

    status: Status
    kept_as: str
    """The id of the execution, or the id in quarantine; empty when it was rejected."""
    problem: problems.Problem | None
    """Why it was quarantined or rejected."""


@dataclass(slots=True)
class Entry:
    """One item on its way."""

    reading: Reading
    location_id: str
    problem: problems.Problem | None
    taken: Taken | None = None

    def item(self, content_type: str) -> pb.RecordItem:
        if self.problem is None and isinstance(self.reading.content, pb.Execution):
            self.reading.content.location_id = self.location_id
            return pb.RecordItem(execution=self.reading.content)
        problem = self.problem or problems.InvalidRequest()
        return pb.RecordItem(
            unread=pb.UnreadDelivery(
                location_id=self.location_id,
                workflow_id=self.reading.workflow_id,
                reason=problem.reason,
                detail=problem.message[:LONGEST_DETAIL],
                body=self.reading.body(),
                content_type=content_type[:LONGEST_CONTENT_TYPE],
                idempotency_key=keys.chosen([self.reading.key]),
            )
        )

    def taken_as(self, outcome: Outcome) -> Taken | None:
        """Gives what became of it; None when ingestion refused it."""
        if isinstance(outcome, pb.RecordResult) and (status := _STATUSES.get(outcome.outcome)):
            return Taken(status, outcome.execution_id, self.problem)
        return None

    def settle(self, outcome: Outcome) -> None:
        """Notes what became of it; what ingestion refused for good waits for another way."""
        self.taken = self.taken_as(outcome)
        if self.taken is not None:
            return
        refusal = _refusal(outcome)
        for_good = isinstance(refusal, problems.InvalidRequest | problems.Broken)
        if self.problem is not None or not for_good:
            raise refusal
        self.problem = refusal


class Intake:
    """Brings the readings of one request into ingestion, all at once."""

    def __init__(self, access: Access, batches: Batches) -> None:
        self._access = access
        self._batches = batches

    async def take(
        self,
        readings: Sequence[Reading],
        caller: Caller,
        asked: str | None,
        *,
        quarantine_as: str | None,
    ) -> list[Taken]:
        """Records what was read; the rest goes into quarantine, or is rejected.

        `quarantine_as` is the content type of what cannot be read, None where it
        is rejected instead. Raises `LocationMissing`, `LocationNotYours` or
        `LocationIdWrong` before anything is kept, and whatever makes a commit
        impossible.
        """
        entries = [_entry(each, caller, asked) for each in readings]
        if caller.location_id is None:
            for location_id in sorted({each.location_id for each in entries}):
                await self._access.remember_location(location_id)
        if quarantine_as is None:
            await self._record([each for each in entries if each.problem is None], "")
        else:
            await self._record(entries, quarantine_as)
            await self._quarantine(entries, quarantine_as)
        return [each.taken or Taken("rejected", "", each.problem) for each in entries]

    def begin(self, reading: Reading, caller: Caller, asked: str | None) -> Entry | None:
        """Gives one execution, ready to be sent; None when more must be asked or done first.

        Raises what `take` raises.
        """
        entry = _entry(reading, caller, asked)
        known = caller.location_id is not None or self._access.remembers(entry.location_id)
        return entry if known and entry.problem is None else None

    def send(
        self, begun: Entry, settle: Callable[[Outcome], None], *, request_id: str, trace: str
    ) -> None:
        """Sends it on its way, and tells what became of it later; raises what prevents that."""
        self._batches.submit(begun.item(""), settle, request_id=request_id, trace=trace)

    async def conclude(self, entry: Entry, outcome: Outcome, quarantine_as: str | None) -> Taken:
        """Gives what became of an execution that was begun; raises and keeps what `take` does."""
        entry.settle(outcome)
        if quarantine_as is not None:
            await self._quarantine([entry], quarantine_as)
        return entry.taken or Taken("rejected", "", entry.problem)

    async def _quarantine(self, entries: Sequence[Entry], content_type: str) -> None:
        """Keeps what could be read and was refused all the same: it is not lost either."""
        await self._record([each for each in entries if each.taken is None], content_type)

    async def _record(self, entries: Sequence[Entry], content_type: str) -> None:
        if not entries:
            return
        outcomes = await self._batches.record_each([each.item(content_type) for each in entries])
        for entry, outcome in zip(entries, outcomes, strict=True):
            entry.settle(outcome)


def _entry(reading: Reading, caller: Caller, asked: str | None) -> Entry:
    said = reading.location_id
    if caller.location_id is not None:
        caller.location(said)  # a snapshot copies a webhook, key and all, into another location
    location_id = caller.location(asked or said)
    content = reading.content
    return Entry(reading, location_id, None if isinstance(content, pb.Execution) else content)


def _refusal(outcome: Outcome) -> problems.Problem:
    if isinstance(outcome, problems.Problem):
        return outcome
    problem = problems.InvalidRequest.at(outcome.field, outcome.message)
    problem.reason = outcome.reason
    return problem
