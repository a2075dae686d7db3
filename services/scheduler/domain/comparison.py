"""What changed since the last completed scan of the same scope."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.scheduler.domain.finding import Finding, worst_first


@dataclass(frozen=True, slots=True)
class Comparison:
    """Findings, worst first, by how they stand to the scan before; the fingerprints that are gone."""

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    fixed: frozenset[str]


def compare(findings: Iterable[Finding], baseline: AbstractSet[str]) -> Comparison:
    """Compares findings with the fingerprints of the baseline, which a first scan has none of."""
    now = {finding.fingerprint: finding for finding in worst_first(findings)}
    return Comparison(
        new=tuple(finding for mark, finding in now.items() if mark not in baseline),
        known=tuple(finding for mark, finding in now.items() if mark in baseline),
        fixed=frozenset(baseline) - now.keys(),
    )
