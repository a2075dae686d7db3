"""What changed between two completed scans."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.scheduler.domain.finding import FindingState
from services.scheduler.store import Transaction, findings
from services.scheduler.store.findings import SeenFinding, seen
from services.scheduler.store.scans import Scan
from services.scheduler.store.tables import FindingRow, ScanResultRow

NOT_COUNTED = (FindingState.FIXED, FindingState.IGNORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed between two scans; findings worst first."""

    scan: Scan
    baseline: Scan | None
    new: Sequence[SeenFinding]
    fixed: Sequence[SeenFinding]
    still_open: Sequence[SeenFinding]
    regressed: Sequence[SeenFinding]
    ignored: Sequence[SeenFinding]
    not_checked: Sequence[SeenFinding]
    score_changes: Sequence[tuple[ScanResultRow, ScanResultRow]]
    """What both scans say of a workflow, the earlier first; the greatest fall first."""
    appeared: Sequence[ScanResultRow]
    vanished: Sequence[ScanResultRow]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one scan said; a scan that was not there said nothing."""

    found: Sequence[FindingRow] = ()
    results: dict[str, ScanResultRow] = field(default_factory=dict)

    @property
    def counted(self) -> dict[str, FindingRow]:
        return {row.fingerprint: row for row in self.found if row.state not in NOT_COUNTED}

    @property
    def ignored(self) -> list[FindingRow]:
        return [row for row in self.found if row.state == FindingState.IGNORED]

    def looked_for(self, row: FindingRow) -> bool:
        result = self.results.get(row.workflow_id)
        return result is not None and row.rule_id in result.assessed_rule_ids


async def _said(session: Transaction, scan: Scan | None) -> _Said:
    if scan is None:
        return _Said()
    results = await findings.results_of(session, scan.scan_id)
    found = await findings.of_scan(session, scan.scan_id)
    return _Said(found, {row.workflow_id: row for row in results})


async def between(session: Transaction, baseline: Scan | None, scan: Scan) -> Difference:
    """Gives what changed between two scans; all is new when there is no earlier one."""
    before, after = await _said(session, baseline), await _said(session, scan)

    async def shown(rows: Sequence[FindingRow]) -> list[SeenFinding]:
        return await seen(session, scan.location_id, rows)

    here = {row.fingerprint for row in (*after.counted.values(), *after.ignored)}
    only_after = [row for mark, row in after.counted.items() if mark not in before.counted]
    only_before = [row for mark, row in before.counted.items() if mark not in here]
    back, new = _parted(only_after, lambda row: row.state == FindingState.REGRESSED)
    unseen, fixed = _parted(only_before, lambda row: not after.looked_for(row))
    return Difference(
        scan=scan,
        baseline=baseline,
        new=await shown(new),
        fixed=await shown(fixed),
        still_open=await shown([r for mark, r in after.counted.items() if mark in before.counted]),
        regressed=await shown(back),
        ignored=await shown(after.ignored),
        not_checked=await shown(unseen),
        score_changes=_score_changes(before, after),
        appeared=_only_in(after, before),
        vanished=_only_in(before, after),
    )


def _parted(
    rows: Sequence[FindingRow], belongs: Callable[[FindingRow], bool]
) -> tuple[list[FindingRow], list[FindingRow]]:
    """Gives the rows that belong together, and the others."""
    inside = [row for row in rows if belongs(row)]
    return inside, [row for row in rows if not belongs(row)]


def _score_changes(before: _Said, after: _Said) -> list[tuple[ScanResultRow, ScanResultRow]]:
    both = [
        (before.results[workflow_id], now)
        for workflow_id, now in after.results.items()
        if workflow_id in before.results
    ]
    changed = [(then, now) for then, now in both if then.score != now.score]
    return sorted(changed, key=lambda pair: (pair[1].score or 0) - (pair[0].score or 0))


def _only_in(one: _Said, other: _Said) -> list[ScanResultRow]:
    rows = [row for key, row in one.results.items() if key not in other.results]
    return sorted(rows, key=lambda row: (row.workflow_name, row.workflow_id))
