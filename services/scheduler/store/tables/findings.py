"""What scans say and find."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.scheduler.store.tables.columns import (
    SchedulerTable,
    column_of,
    identifier,
    moment,
    texts,
    words,
)


class ScanResultRow(SchedulerTable, table=True):
    """What a scan says of one workflow; `position` sorts a scan's rows, lowest score first."""

    __tablename__ = "scan_results"
    __table_args__ = (
        PrimaryKeyConstraint("scan_id", "position", name="scan_results_pkey"),
        ForeignKeyConstraint(
            ["scan_id"],
            ["scan_history.id"],
            ondelete="CASCADE",
            name="scan_results_scan_id_fkey",
        ),
    )

    scan_id: str = identifier()
    position: int
    workflow_id: str = identifier()
    workflow_name: str = words()
    score: int | None
    runs: int = column_of(BigInteger)
    deductions: list[dict[str, Any]] = column_of(JSONB)
    assessed_rule_ids: list[str] = texts()
    not_assessed: list[dict[str, Any]] = column_of(JSONB)
    ceiling: int | None
    ceiling_reason: str = words()
    coverage: list[dict[str, Any]] = column_of(JSONB)


class FindingRow(SchedulerTable, table=True):
    """Something wrong with one workflow; `position` sorts a scan's rows, worst first."""

    __tablename__ = "findings"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="findings_pkey"),
        UniqueConstraint("scan_id", "position", name="findings_scan_id_position_key"),
        ForeignKeyConstraint(
            ["scan_id"], ["scan_history.id"], ondelete="CASCADE", name="findings_scan_id_fkey"
        ),
        Index("findings_fingerprint_idx", "fingerprint"),
    )

    id: str = identifier()
    scan_id: str = identifier()
    position: int
    workflow_id: str = identifier()
    workflow_name: str = words()
    rule_id: str = words()
    title: str = words()
    severity: str = words()
    penalty: float = column_of(Double)
    occurrences: int
    evidence: str = words()
    remedy: str = words()
    fingerprint: str = identifier()
    state: str = words()
    first_seen_at: datetime = moment()
    execution_ids: list[str] = texts()
    place_id: str = words()
    place_name: str = words()
    points_if_fixed: int | None
    workflow_version: int | None


class KnownFindingRow(SchedulerTable, table=True):
    """A finding of a location over all its scans: since when it is known and how it stands."""

    __tablename__ = "known_findings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "fingerprint", name="known_findings_pkey"),
    )

    location_id: str = identifier()
    fingerprint: str = identifier()
    workflow_id: str = identifier()
    workflow_name: str = words()
    rule_id: str = words()
    title: str = words()
    severity: str = words()
    standing: str = words()
    first_seen_at: datetime = moment()
    last_seen_at: datetime = moment()
    last_finding_id: str = identifier()


class IgnoredFindingRow(SchedulerTable, table=True):
    """That a finding is ignored: why, who said so, and until when."""

    __tablename__ = "ignored_findings"
    __table_args__ = (
        PrimaryKeyConstraint("location_id", "fingerprint", name="ignored_findings_pkey"),
    )

    location_id: str = identifier()
    fingerprint: str = identifier()
    reason: str = words()
    ignored_by: str = words()
    ignored_at: datetime = moment()
    until: datetime | None = moment()
    workflow_version: int | None


class ScoreAlertRow(SchedulerTable, table=True):
    """The last alert about a workflow's score, so that the same one is not sent nightly."""

    __tablename__ = "score_alerts"
    __table_args__ = (PrimaryKeyConstraint("location_id", "workflow_id", name="score_alerts_pkey"),)

    location_id: str = identifier()
    workflow_id: str = identifier()
    alerted_at: datetime = moment()
    critical_rule_ids: list[str] = texts()
    workflow_version: int | None
    critical: bool = Field(sa_column_kwargs={"server_default": text("true")})
