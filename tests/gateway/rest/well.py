"""What services say that are well and know a little."""

from datetime import UTC, datetime, timedelta

from libs.contracts.ingestion.v1 import ingestion_pb2 as ingestion
from libs.contracts.notifier.v1 import notifier_pb2 as notifier
from libs.contracts.scheduler.v1 import scheduler_pb2 as scheduler
from libs.rpc.times import timestamp
from tests.gateway.rest.fakes import Street

AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
NOW = timestamp(AT)

EXECUTION = ingestion.Execution(
    execution_id="e-1",
    location_id="loc-demo",
    workflow_id="wf-welcome",
    workflow_name="Welcome",
    status=ingestion.EXECUTION_STATUS_FAILED,
    failed_action_name="Send SMS",
    error_message="The phone number is not valid",
    executed_at=NOW,
    received_at=NOW,
)
GAP = ingestion.RecordingGap(
    gap_id="g-1", start=timestamp(AT - timedelta(minutes=15)), end=NOW, execution_count=3
)
COUNTS = ingestion.RunCounts()
METRICS = ingestion.WorkflowMetrics(
    location_id="loc-demo",
    workflow_id="wf-welcome",
    window_start=timestamp(AT - timedelta(days=30)),
    window_end=NOW,
    current=ingestion.RunCounts(),
    previous=ingestion.RunCounts(),
    failure_trend=ingestion.FAILURE_TREND_STABLE,
    failure_trend_reason="insufficient_data",
)
WORKFLOW = ingestion.Workflow(location_id="loc-demo", workflow_id="wf-welcome", name="Welcome")
SCHEDULE = scheduler.Schedule(
    schedule_id="s-1",
    location_id="loc-demo",
    enabled=True,
    frequency=scheduler.FREQUENCY_DAILY,
    preferred_time="02:00",
    timezone="America/Chicago",
    scan_scope=scheduler.SCAN_SCOPE_ALL,
    etag="v1",
)
FINDING = scheduler.Finding(
    finding_id="f-1",
    scan_id="scan-1",
    workflow_id="wf-welcome",
    rule_id="GHL402",
    title="Consecutive failures",
    severity=scheduler.SEVERITY_CRITICAL,
    penalty=55,
    occurrences=1,
    fingerprint="abcd",
    state=scheduler.FINDING_STATE_NEW,
    first_seen_at=NOW,
)
SCAN = scheduler.Scan(
    scan_id="scan-1",
    location_id="loc-demo",
    status=scheduler.SCAN_STATUS_COMPLETED,
    trigger=scheduler.SCAN_TRIGGER_MANUAL,
    scan_scope=scheduler.SCAN_SCOPE_ALL,
    issues_found=2,
    critical_issues=1,
    created_at=NOW,
    completed_at=NOW,
    summary=scheduler.ScanSummary(text="2 findings", score=71),
)
CONNECTION = scheduler.Connection(
    location_id="loc-demo",
    kind=scheduler.CONNECTION_KIND_PRIVATE_TOKEN,
    status=scheduler.CONNECTION_STATUS_CONNECTED,
    status_since=NOW,
    connected_at=NOW,
)
CHANGE = scheduler.WorkflowChange(
    workflow_id="wf-welcome",
    kind=scheduler.WorkflowChange.KIND_CHANGED,
    changed_at=NOW,
    name="Welcome",
    status="published",
    version=24,
    previous_name="Welcome",
    previous_status="published",
    previous_version=23,
)
SETTINGS = notifier.AlertSettings(
    location_id="loc-demo",
    enabled=True,
    failure_threshold=3,
    time_window_hours=24,
    alert_on_critical=True,
    etag="v1",
    origins=[
        notifier.SettingOrigin(field=name, level=notifier.SETTINGS_LEVEL_BUILT_IN)
        for name in ("alert_email", "webhook_url")
    ],
)
INCIDENT = notifier.Incident(
    incident_id="i-1",
    location_id="loc-demo",
    dedup_key="fail:wf-welcome",
    status=notifier.INCIDENT_STATUS_OPEN,
    severity=notifier.SEVERITY_CRITICAL,
    title="Welcome fails",
    opened_at=NOW,
    last_event_at=NOW,
)
TARGET = notifier.Target(
    target_id="t-1",
    location_id="loc-demo",
    origin="api",
    channel="webhook",
    address="https://example.com/…cret",
    severity_floor=notifier.SEVERITY_INFO,
    enabled=True,
    created_at=NOW,
)
VERDICT = notifier.TestVerdict(target_id="t-1", channel="webhook", delivered=True, elapsed_ms=3)
SILENCE = notifier.Silence(
    silence_id="s-1",
    location_id="loc-demo",
    up_to_severity=notifier.SEVERITY_CRITICAL,
    reason="The forms are being moved",
    created_by="test",
    created_at=NOW,
    ends_at=NOW,
)
MAIL = notifier.CaughtMail(
    message_id="<1@runwarden>",
    location_id="loc-demo",
    caught_at=NOW,
    sender="alerts@agency.example",
    recipient="owner@agency.example",
    subject="[CRITICAL] Welcome fails",
    text="3 failures within 24 hours",
)


ACCEPTED = ingestion.RecordResult(
    outcome=ingestion.RecordResult.OUTCOME_ACCEPTED, execution_id="e-1"
)


def accepting(request: ingestion.RecordBatchesRequest) -> ingestion.RecordBatchesResponse:
    """Accepts every item."""
    return ingestion.RecordBatchesResponse(results=[ACCEPTED] * len(request.items))


def make_well(street: Street) -> None:
    """Scripts an answer for every call that the REST API makes."""
    for name, script in {
        "RecordBatches": accepting,
        "ListExecutions": ingestion.ListExecutionsResponse(executions=[EXECUTION]),
        "ListRecentFailures": ingestion.ListRecentFailuresResponse(executions=[EXECUTION]),
        "GetWorkflowMetrics": ingestion.GetWorkflowMetricsResponse(metrics=METRICS),
        "CheckAlertThreshold": ingestion.CheckAlertThresholdResponse(failure_threshold=3),
        "ListWorkflows": ingestion.ListWorkflowsResponse(workflows=[WORKFLOW]),
        "GetWorkflow": ingestion.GetWorkflowResponse(workflow=WORKFLOW),
        "UpdateWorkflow": ingestion.UpdateWorkflowResponse(workflow=WORKFLOW),
        "ListQuarantined": ingestion.ListQuarantinedResponse(),
        "ListRecordingGaps": ingestion.ListRecordingGapsResponse(gaps=[GAP]),
        "GetExecution": ingestion.GetExecutionResponse(execution=EXECUTION),
        "ListErrorGroups": ingestion.ListErrorGroupsResponse(window_start=NOW, window_end=NOW),
        "ListFailingSteps": ingestion.ListFailingStepsResponse(window_start=NOW, window_end=NOW),
        "GetExecutionTimeline": ingestion.GetExecutionTimelineResponse(
            window_start=NOW, window_end=NOW, current=COUNTS, previous=COUNTS
        ),
        "BatchGetWorkflowMetrics": ingestion.BatchGetWorkflowMetricsResponse(metrics=[METRICS]),
        "ExportExecutions": [ingestion.ExportExecutionsResponse(executions=[EXECUTION])],
        "ImportExecutions": ingestion.ImportExecutionsResponse(accepted_count=1),
        "WatchExecutions": [ingestion.WatchExecutionsResponse(execution=EXECUTION, cursor="7")],
        "BacktestThreshold": ingestion.BacktestThresholdResponse(
            window_start=NOW, window_end=NOW, failure_threshold=3, time_window_hours=24
        ),
        "GetQuarantined": ingestion.GetQuarantinedResponse(
            delivery=ingestion.QuarantinedDelivery(workflow_id="wf-welcome")
        ),
        "ReplayQuarantined": ingestion.ReplayQuarantinedResponse(result=ACCEPTED),
        "ForgetContact": ingestion.ForgetContactResponse(execution_count=1),
        "DeleteLocation": ingestion.DeleteLocationResponse(deleted_count=5),
    }.items():
        street.ingestion.answers(name, script)
    for name, script in {
        "GetSchedule": scheduler.GetScheduleResponse(schedule=SCHEDULE),
        "UpsertSchedule": scheduler.UpsertScheduleResponse(schedule=SCHEDULE),
        "DeleteSchedule": scheduler.DeleteScheduleResponse(),
        "PauseSchedule": scheduler.PauseScheduleResponse(schedule=SCHEDULE),
        "ResumeSchedule": scheduler.ResumeScheduleResponse(schedule=SCHEDULE),
        "PreviewSchedule": scheduler.PreviewScheduleResponse(),
        "RunScan": scheduler.RunScanResponse(scan_id="scan-1", scan=SCAN),
        "CancelScan": scheduler.CancelScanResponse(scan=SCAN),
        "WatchScan": [scheduler.WatchScanResponse(scan=SCAN)],
        "ExplainFire": scheduler.ExplainFireResponse(
            outcome=scheduler.ExplainFireResponse.OUTCOME_COMPLETED,
            explanation="It ran and completed.",
            scheduled_for=NOW,
            scan=SCAN,
        ),
        "GetScan": scheduler.GetScanResponse(scan=SCAN),
        "ListScans": scheduler.ListScansResponse(scans=[SCAN]),
        "ListFindings": scheduler.ListFindingsResponse(findings=[FINDING]),
        "GetFinding": scheduler.GetFindingResponse(finding=FINDING, sightings=[FINDING]),
        "IgnoreFinding": scheduler.IgnoreFindingResponse(finding=FINDING),
        "UnignoreFinding": scheduler.UnignoreFindingResponse(finding=FINDING),
        "CompareScans": scheduler.CompareScansResponse(
            scan=SCAN, counts=scheduler.CompareScansResponse.Counts(new=1), new=[FINDING]
        ),
        "ListRules": scheduler.ListRulesResponse(),
        "DeleteLocation": scheduler.DeleteLocationResponse(deleted_count=2),
        "ListScanResults": scheduler.ListScanResultsResponse(),
        "ConnectLocation": scheduler.ConnectLocationResponse(
            connection=CONNECTION, workflow_count=3
        ),
        "DisconnectLocation": scheduler.DisconnectLocationResponse(),
        "GetConnection": scheduler.GetConnectionResponse(connection=CONNECTION),
        "UploadWorkflowDefinition": scheduler.UploadWorkflowDefinitionResponse(
            definition=scheduler.UploadedDefinition(workflow_id="wf-welcome", uploaded_at=NOW)
        ),
        "UploadWorkflowDefinitions": scheduler.UploadWorkflowDefinitionsResponse(accepted_count=2),
        "ListWorkflowSnapshots": scheduler.ListWorkflowSnapshotsResponse(
            snapshots=[scheduler.WorkflowSnapshot(workflow_id="wf-welcome", name="Welcome")]
        ),
        "ListWorkflowChanges": scheduler.ListWorkflowChangesResponse(changes=[CHANGE]),
        "GetSchedulerStatus": scheduler.GetSchedulerStatusResponse(
            state=scheduler.GetSchedulerStatusResponse.STATE_OK
        ),
    }.items():
        street.scheduler.answers(name, script)
    for name, script in {
        "GetAlertSettings": notifier.GetAlertSettingsResponse(settings=SETTINGS),
        "UpdateAlertSettings": notifier.UpdateAlertSettingsResponse(settings=SETTINGS),
        "SendTestAlert": notifier.SendTestAlertResponse(),
        "ListIncidents": notifier.ListIncidentsResponse(incidents=[INCIDENT]),
        "GetIncident": notifier.GetIncidentResponse(incident=INCIDENT),
        "AcknowledgeIncident": notifier.AcknowledgeIncidentResponse(incident=INCIDENT),
        "SnoozeIncident": notifier.SnoozeIncidentResponse(incident=INCIDENT),
        "ResolveIncident": notifier.ResolveIncidentResponse(incident=INCIDENT),
        "ReopenIncident": notifier.ReopenIncidentResponse(incident=INCIDENT),
        "AnnotateIncident": notifier.AnnotateIncidentResponse(incident=INCIDENT),
        "ExplainDecision": notifier.ExplainDecisionResponse(
            kind="scan_completed",
            severity=notifier.SEVERITY_INFO,
            outcome="summed_up",
            answer="It summed up a scan.",
            decided_at=NOW,
        ),
        "CreateSilence": notifier.CreateSilenceResponse(silence=SILENCE),
        "ListSilences": notifier.ListSilencesResponse(silences=[SILENCE]),
        "ExpireSilence": notifier.ExpireSilenceResponse(silence=SILENCE),
        "ListDeliveries": notifier.ListDeliveriesResponse(),
        "ListTargets": notifier.ListTargetsResponse(targets=[TARGET]),
        "UpsertTarget": notifier.UpsertTargetResponse(target=TARGET, webhook_secret="whsec_x"),
        "DeleteTarget": notifier.DeleteTargetResponse(),
        "VerifyTarget": notifier.VerifyTargetResponse(verdict=VERDICT, target=TARGET),
        "EnableTarget": notifier.EnableTargetResponse(target=TARGET, replayed_count=2),
        "RotateSecret": notifier.RotateSecretResponse(target=TARGET, webhook_secret="whsec_y"),
        "DeleteLocation": notifier.DeleteLocationResponse(deleted_count=1),
        "GetDelivery": notifier.GetDeliveryResponse(
            delivery=notifier.Delivery(
                delivery_id="d-1",
                location_id="loc-demo",
                status=notifier.DELIVERY_STATUS_FAILED,
                last_code=503,
                created_at=NOW,
            ),
            attempts=[
                notifier.DeliveryAttempt(
                    delivery_id="d-1", verdict="later", code=503, elapsed_ms=3, ended_at=NOW
                )
            ],
        ),
        "GetNotifierStatus": notifier.GetNotifierStatusResponse(
            state=notifier.GetNotifierStatusResponse.STATE_OK
        ),
        "ReplayDeliveries": notifier.ReplayDeliveriesResponse(replayed_count=2),
        "ListCaughtMail": notifier.ListCaughtMailResponse(mails=[MAIL]),
    }.items():
        street.notifier.answers(name, script)
