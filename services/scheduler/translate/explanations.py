"""Writes why something ran or did not."""

from datetime import datetime

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import timestamp
from services.scheduler.domain.change import ChangeKind, ScheduleChange
from services.scheduler.domain.fire import Outcome
from services.scheduler.store.scans import Scan
from services.scheduler.translate.responses import scan_to

_RESPONSE = pb.ExplainFireResponse
OUTCOMES = {each: _RESPONSE.Outcome.Value(f"OUTCOME_{each.name}") for each in Outcome}
KINDS = {each: pb.ScheduleChange.Kind.Value(f"KIND_{each.name}") for each in ChangeKind}


def explanation_to(
    *,
    outcome: Outcome,
    text: str,
    scheduled_for: datetime | None,
    scan: Scan | None,
    change: ScheduleChange | None,
) -> pb.ExplainFireResponse:
    """Writes what became of a fire, and why."""
    return pb.ExplainFireResponse(
        outcome=OUTCOMES[outcome],
        explanation=text,
        scheduled_for=timestamp(scheduled_for),
        scan=scan_to(scan) if scan else None,
        change=_change_to(change) if change else None,
    )


def _change_to(change: ScheduleChange) -> pb.ScheduleChange:
    return pb.ScheduleChange(
        kind=KINDS[change.kind],
        changed_at=timestamp(change.changed_at),
        actor=change.actor,
        reason=change.reason,
    )
