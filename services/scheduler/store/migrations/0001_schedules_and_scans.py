"""Schedules, the scans they ask for, and what the scans found."""

from alembic import op

from libs.db import outbox

revision = "0001"
down_revision = None

CLOCK = """
CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
"""

SCHEDULES = """
CREATE TABLE scan_schedules (
    id text COLLATE "C" NOT NULL CONSTRAINT scan_schedules_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL CONSTRAINT scan_schedules_location_id_key UNIQUE,
    enabled boolean NOT NULL,
    frequency text NOT NULL,
    preferred_time text NOT NULL,
    timezone text NOT NULL,
    weekday smallint,
    cron_expression text,
    scan_scope text NOT NULL,
    selected_workflow_ids text[] NOT NULL,
    last_scan_at timestamptz,
    next_scan_at timestamptz,
    tzdata_version text NOT NULL,
    error text,
    error_until timestamptz,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX scan_schedules_next_scan_at_idx ON scan_schedules (next_scan_at)
    WHERE enabled AND next_scan_at IS NOT NULL;
CREATE INDEX scan_schedules_error_until_idx ON scan_schedules (error_until)
    WHERE error_until IS NOT NULL;
"""

SCANS = """
CREATE TABLE scan_history (
    id text COLLATE "C" NOT NULL CONSTRAINT scan_history_pkey PRIMARY KEY,
    schedule_id text COLLATE "C",
    location_id text COLLATE "C" NOT NULL,
    status text NOT NULL CONSTRAINT scan_history_status_check CHECK (
        status IN ('queued', 'running', 'completed', 'failed', 'cancelled', 'missed', 'skipped')
    ),
    trigger text NOT NULL,
    scan_scope text NOT NULL,
    selected_workflow_ids text[] NOT NULL,
    scheduled_for timestamptz NOT NULL,
    fires integer NOT NULL,
    reason text NOT NULL,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL,
    not_before timestamptz NOT NULL,
    lease_owner text COLLATE "C",
    lease_until timestamptz,
    heartbeat_at timestamptz,
    workflows_total integer NOT NULL,
    workflows_scanned integer NOT NULL,
    issues_found integer NOT NULL,
    critical_issues integer NOT NULL,
    partial boolean NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    summary jsonb,
    CONSTRAINT scan_history_lease_check CHECK (
        status <> 'running' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)
    )
);
CREATE UNIQUE INDEX scan_history_fire_key ON scan_history (schedule_id, scheduled_for)
    WHERE trigger = 'schedule';
CREATE UNIQUE INDEX scan_history_active_key ON scan_history (location_id)
    WHERE status IN ('queued', 'running');
CREATE INDEX scan_history_location_id_created_at_idx
    ON scan_history (location_id, created_at, id);
CREATE INDEX scan_history_location_id_completed_at_idx ON scan_history (location_id, completed_at)
    WHERE status = 'completed';
CREATE INDEX scan_history_not_before_idx ON scan_history (not_before) WHERE status = 'queued';
CREATE INDEX scan_history_lease_until_idx ON scan_history (lease_until) WHERE status = 'running';
CREATE INDEX scan_history_created_at_idx ON scan_history (created_at);

CREATE TABLE scan_requests (
    location_id text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    scan_id text COLLATE "C" NOT NULL,
    already_running boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT scan_requests_pkey PRIMARY KEY (location_id, idempotency_key)
);
"""

FINDINGS = """
CREATE TABLE scan_results (
    scan_id text COLLATE "C" NOT NULL
        CONSTRAINT scan_results_scan_id_fkey REFERENCES scan_history (id) ON DELETE CASCADE,
    position integer NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_name text NOT NULL,
    score integer,
    runs bigint NOT NULL,
    deductions jsonb NOT NULL,
    assessed_rule_ids text[] NOT NULL,
    not_assessed jsonb NOT NULL,
    CONSTRAINT scan_results_pkey PRIMARY KEY (scan_id, position)
);
CREATE TABLE findings (
    id text COLLATE "C" NOT NULL CONSTRAINT findings_pkey PRIMARY KEY,
    scan_id text COLLATE "C" NOT NULL
        CONSTRAINT findings_scan_id_fkey REFERENCES scan_history (id) ON DELETE CASCADE,
    position integer NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_name text NOT NULL,
    rule_id text NOT NULL,
    title text NOT NULL,
    severity text NOT NULL,
    penalty double precision NOT NULL,
    occurrences integer NOT NULL,
    evidence text NOT NULL,
    remedy text NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    state text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    execution_ids text[] NOT NULL,
    CONSTRAINT findings_scan_id_position_key UNIQUE (scan_id, position)
);
CREATE TABLE score_alerts (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    alerted_at timestamptz NOT NULL,
    critical_rule_ids text[] NOT NULL,
    CONSTRAINT score_alerts_pkey PRIMARY KEY (location_id, workflow_id)
);
"""

REPLICAS = """
CREATE TABLE scheduler_replicas (
    id text COLLATE "C" NOT NULL CONSTRAINT scheduler_replicas_pkey PRIMARY KEY,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    last_tick_at timestamptz,
    skew_ms bigint NOT NULL,
    tzdata_version text NOT NULL
);
"""


def upgrade() -> None:
    for statements in (CLOCK, outbox.CREATE, SCHEDULES, SCANS, FINDINGS, REPLICAS):
        op.execute(statements)
