"""Writes answers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from libs.rpc.times import duration, timestamp
from services.scheduler.domain.scan import ScanTrigger
from services.scheduler.domain.schedule import Schedule
from services.scheduler.domain.score import Grade, grade_of
from services.scheduler.domain.summary import ScanSummary, WorkflowScore
from services.scheduler.domain.timing import PlannedRun
from services.scheduler.store.replicas import Replica
from services.scheduler.store.scans import FailedAttempt, Scan
from services.scheduler.store.tables import ScanResultRow
from services.scheduler.store.workload import Workload
from services.scheduler.translate.requests import (
    FREQUENCIES,
    OVERLAP_POLICIES,
    SCOPES,
    SEVERITIES,
    STATUSES,
)

FREQUENCY_NUMBERS = {value: number for number, value in FREQUENCIES.items()}
SCOPE_NUMBERS = {value: number for number, value in SCOPES.items()}
OVERLAP_POLICY_NUMBERS = {value: number for number, value in OVERLAP_POLICIES.items()}
STATUS_NUMBERS = {value: number for number, value in STATUSES.items()}
SEVERITY_NUMBERS = {str(value): number for number, value in SEVERITIES.items()}
TRIGGER_NUMBERS = {
    ScanTrigger.SCHEDULE: pb.SCAN_TRIGGER_SCHEDULE,
    ScanTrigger.MANUAL: pb.SCAN_TRIGGER_MANUAL,
}
GRADE_NUMBERS = {grade: pb.Grade.Value(f"GRADE_{grade.upper()}") for grade in Grade}
STATES = {
    "ok": pb.GetSchedulerStatusResponse.STATE_OK,
    "degraded": pb.GetSchedulerStatusResponse.STATE_DEGRADED,
    "down": pb.GetSchedulerStatusResponse.STATE_DOWN,
}


def schedule_to(schedule: Schedule, next_runs: Sequence[datetime]) -> pb.Schedule:
    """Writes a schedule."""
    return pb.Schedule(
        schedule_id=schedule.schedule_id,
        location_id=schedule.location_id,
        enabled=schedule.enabled,
        frequency=FREQUENCY_NUMBERS[schedule.frequency],
        preferred_time=schedule.preferred_time,
        timezone=schedule.timezone,
        weekday=schedule.weekday,
        cron_expression=schedule.cron_expression,
        scan_scope=SCOPE_NUMBERS[schedule.scan_scope],
        selected_workflow_ids=schedule.selected_workflow_ids,
        last_scan_at=timestamp(schedule.last_scan_at),
        next_scan_at=timestamp(schedule.next_scan_at),
        next_runs=[at for at in map(timestamp, next_runs) if at],
        created_at=timestamp(schedule.created_at),
        updated_at=timestamp(schedule.updated_at),
        etag=str(schedule.version),
        spread_seconds=schedule.spread_seconds,
        blackout_windows=[pb.BlackoutWindow(**asdict(each)) for each in schedule.blackout_windows],
        catchup_seconds=schedule.catchup_seconds,
        overlap_policy=OVERLAP_POLICY_NUMBERS[schedule.overlap_policy],
        switched_at=timestamp(schedule.switched_at),
        switched_by=schedule.switched_by,
        switch_reason=schedule.switch_reason,
        error=schedule.error,
        overdue=schedule.overdue,
    )


def planned_run_to(run: PlannedRun) -> pb.PlannedRun:
    """Writes one time a schedule would fire."""
    return pb.PlannedRun(
        fires_at=timestamp(run.fires_at),
        local_time=run.local_time,
        clock_change=run.clock_change,
        blackout=run.blackout,
    )


def scan_to(scan: Scan) -> pb.Scan:
    """Writes a scan."""
    return pb.Scan(
        scan_id=scan.scan_id,
        schedule_id=scan.schedule_id,
        location_id=scan.location_id,
        status=STATUS_NUMBERS[scan.status],
        trigger=TRIGGER_NUMBERS[scan.trigger],
        scan_scope=SCOPE_NUMBERS[scan.scan_scope],
        scheduled_for=timestamp(scan.scheduled_for),
        reason=scan.reason,
        attempt=scan.attempt,
        workflows_total=scan.workflows_total,
        workflows_scanned=scan.workflows_scanned,
        issues_found=scan.issues_found,
        critical_issues=scan.critical_issues,
        partial=scan.partial,
        created_at=timestamp(scan.created_at),
        started_at=timestamp(scan.started_at),
        completed_at=timestamp(scan.completed_at),
        summary=_summary_to(scan.summary) if scan.summary else None,
        failed_attempts=[_failed_to(each) for each in scan.failures],
        lateness=duration(scan.lateness),
        fires=scan.fires,
    )


def result_to(row: ScanResultRow) -> pb.WorkflowResult:
    """Writes what a scan says of one workflow."""
    return pb.WorkflowResult(
        workflow=pb.WorkflowScore(
            workflow_id=row.workflow_id, workflow_name=row.workflow_name, score=row.score
        ),
        runs=row.runs,
        deductions=[pb.Deduction(**each) for each in row.deductions],
        assessed_rule_ids=row.assessed_rule_ids,
        not_assessed=[pb.NotAssessed(**each) for each in row.not_assessed],
        ceiling=row.ceiling,
        ceiling_reason=row.ceiling_reason,
        grade=GRADE_NUMBERS[grade_of(row.score)],
        coverage=[pb.CoverageEntry(**each) for each in row.coverage],
    )


def status_to(
    *,
    state: str,
    reason: str,
    replicas: Sequence[Replica],
    oldest_due_age: timedelta | None,
    workload: Workload | None,
) -> pb.GetSchedulerStatusResponse:
    """Writes how the clockwork is; without a workload, what is known without a database."""
    return pb.GetSchedulerStatusResponse(
        state=STATES[state],
        reason=reason,
        replicas=[_replica_to(each) for each in replicas],
        oldest_due_age=duration(oldest_due_age),
        **(_workload_to(workload) if workload else {}),
    )


def _failed_to(failed: FailedAttempt) -> pb.FailedAttempt:
    return pb.FailedAttempt(
        attempt=failed.attempt, failed_at=timestamp(failed.failed_at), reason=failed.reason
    )


def _summary_to(summary: ScanSummary) -> pb.ScanSummary:
    return pb.ScanSummary(
        text=summary.text,
        score=summary.score,
        critical_count=summary.critical_count,
        warning_count=summary.warning_count,
        info_count=summary.info_count,
        new_count=summary.new_count,
        fixed_count=summary.fixed_count,
        known_count=summary.known_count,
        compared_with_scan_id=summary.compared_with_scan_id,
        worst_workflows=[_score_to(each) for each in summary.worst_workflows],
        checks_run=summary.checks_run,
        checks_total=summary.checks_total,
        regressed_count=summary.regressed_count,
        ignored_count=summary.ignored_count,
        rules=[
            pb.RuleCount(
                rule_id=each.rule_id,
                title=each.title,
                severity=SEVERITY_NUMBERS[each.severity],
                findings=each.findings,
            )
            for each in summary.rules
        ],
        grades=[
            pb.GradeCount(grade=GRADE_NUMBERS[grade], workflows=summary.grades.get(grade, 0))
            for grade in Grade
        ],
        score_before=summary.score_before,
        appeared_count=summary.appeared_count,
        vanished_count=summary.vanished_count,
        took=duration(timedelta(seconds=summary.seconds)),
        ghl_calls=summary.ghl_calls,
        gaps=[pb.GapCount(**asdict(each)) for each in summary.gaps],
    )


def _score_to(score: WorkflowScore) -> pb.WorkflowScore:
    return pb.WorkflowScore(
        workflow_id=score.workflow_id, workflow_name=score.workflow_name, score=score.score
    )


def _replica_to(replica: Replica) -> pb.Replica:
    return pb.Replica(
        replica_id=replica.replica_id,
        started_at=timestamp(replica.started_at),
        heartbeat_at=timestamp(replica.heartbeat_at),
        last_tick_at=timestamp(replica.last_tick_at),
        skew_ms=replica.skew_ms,
        tzdata_version=replica.tzdata_version,
    )


def _workload_to(workload: Workload) -> dict[str, Any]:
    return {
        "database_time": timestamp(workload.database_time),
        "due_count": workload.due,
        "queued_count": workload.queued,
        "running_count": workload.running,
        "expired_lease_count": workload.expired_leases,
        "schedules_in_error": workload.schedules_in_error,
        "enabled_schedules": workload.enabled_schedules,
        "overdue_schedules": workload.overdue_schedules,
        "next_fire_at": timestamp(workload.next_fire_at),
        "last_24_hours": pb.FireCounts(**asdict(workload.last_24_hours)),
        "outbox_count": workload.outbox.waiting,
        "outbox_oldest_age": duration(workload.outbox.oldest),
        "dead_letter_count": workload.outbox.dead_letters,
    }
