"""The tables that the scheduler owns. Nobody else reads or writes them."""

from services.scheduler.store.tables.columns import SchedulerTable
from services.scheduler.store.tables.findings import (
    FindingRow,
    IgnoredFindingRow,
    KnownFindingRow,
    ScanResultRow,
    ScoreAlertRow,
)
from services.scheduler.store.tables.scans import (
    ReplicaRow,
    ScanProgressRow,
    ScanRequestRow,
    ScanRow,
    ScheduleChangeRow,
    ScheduleRow,
)
from services.scheduler.store.tables.workflows import (
    ConnectionRow,
    DefinitionRow,
    SnapshotRow,
    WorkflowChangeRow,
)

__all__ = [
    "ConnectionRow",
    "DefinitionRow",
    "FindingRow",
    "IgnoredFindingRow",
    "KnownFindingRow",
    "ReplicaRow",
    "ScanProgressRow",
    "ScanRequestRow",
    "ScanResultRow",
    "ScanRow",
    "ScheduleChangeRow",
    "ScheduleRow",
    "SchedulerTable",
    "ScoreAlertRow",
    "SnapshotRow",
    "WorkflowChangeRow",
]
