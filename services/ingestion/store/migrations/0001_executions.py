"""The execution log, its keys, the workflows, the thresholds, the quarantine, the outbox."""

from alembic import op

from libs.db import outbox

revision = "0001"
down_revision = None

CLOCK = """
CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
"""

EXECUTIONS = """
CREATE TABLE execution_logs (
    execution_id uuid NOT NULL,
    executed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    execution_time_ms bigint,
    error_message_truncated boolean NOT NULL,
    executed_at_adjusted boolean NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL
        CONSTRAINT execution_logs_status_check CHECK (status IN ('success', 'failed', 'partial')),
    source text COLLATE "C" NOT NULL
        CONSTRAINT execution_logs_source_check CHECK (source IN ('webhook', 'grpc', 'import')),
    workflow_name text NOT NULL,
    failed_action_id text NOT NULL,
    failed_action_name text NOT NULL,
    error_message text NOT NULL,
    error_class text COLLATE "C" NOT NULL,
    error_fingerprint text COLLATE "C" NOT NULL,
    run_id text NOT NULL,
    CONSTRAINT execution_logs_pkey PRIMARY KEY (executed_at, execution_id)
) PARTITION BY RANGE (executed_at);

CREATE INDEX execution_logs_workflow_idx ON execution_logs
    (location_id, workflow_id, executed_at DESC, execution_id DESC);
CREATE INDEX execution_logs_location_idx ON execution_logs
    (location_id, executed_at DESC, execution_id DESC);
CREATE INDEX execution_logs_failed_idx ON execution_logs
    (location_id, workflow_id, executed_at DESC, execution_id DESC) INCLUDE (error_class)
    WHERE status = 'failed';

CREATE TABLE execution_keys (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    phase text COLLATE "C" NOT NULL
        CONSTRAINT execution_keys_phase_check CHECK (phase IN ('started', 'finished')),
    key text COLLATE "C" NOT NULL,
    execution_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT execution_keys_pkey PRIMARY KEY (location_id, workflow_id, phase, key)
);
CREATE INDEX execution_keys_recorded_at_idx ON execution_keys (recorded_at);
"""

WORKFLOWS = """
CREATE TABLE workflows (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    named_at timestamptz,
    first_seen_at timestamptz NOT NULL,
    last_execution_at timestamptz,
    last_status text COLLATE "C",
    failing boolean NOT NULL DEFAULT false,
    recovery_due boolean NOT NULL DEFAULT false,
    untold_failures integer NOT NULL DEFAULT 0,
    CONSTRAINT workflows_pkey PRIMARY KEY (location_id, workflow_id)
) WITH (fillfactor = 70);

CREATE TABLE location_settings (
    location_id text COLLATE "C" CONSTRAINT location_settings_pkey PRIMARY KEY,
    alerts_enabled boolean NOT NULL,
    failure_threshold integer NOT NULL
        CONSTRAINT location_settings_failure_threshold_check CHECK (failure_threshold > 0),
    time_window_hours integer NOT NULL
        CONSTRAINT location_settings_time_window_hours_check CHECK (time_window_hours > 0),
    updated_at timestamptz NOT NULL
);
-- What holds for a location that is not listed, until the notifier says otherwise.
INSERT INTO location_settings VALUES ('', true, 3, 24, 'epoch');
"""

QUARANTINE = """
CREATE TABLE quarantined_deliveries (
    quarantine_id uuid CONSTRAINT quarantined_deliveries_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    content_type text NOT NULL,
    sealed_body bytea NOT NULL,
    body_size bigint NOT NULL,
    truncated boolean NOT NULL,
    redacted_body text NOT NULL
);
CREATE INDEX quarantined_deliveries_location_idx ON quarantined_deliveries
    (location_id, received_at DESC, quarantine_id DESC);
CREATE INDEX quarantined_deliveries_received_at_idx ON quarantined_deliveries (received_at);
"""


def upgrade() -> None:
    for statements in (CLOCK, EXECUTIONS, WORKFLOWS, QUARANTINE, outbox.CREATE):
        op.execute(statements)
