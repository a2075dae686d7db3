"""Settings and targets; events, incidents and deliveries; what waits and who holds it."""

from alembic import op

revision = "0001"
down_revision = None

CLOCK = """
CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
"""

SETTINGS = """
CREATE TABLE alert_settings (
    id text COLLATE "C" NOT NULL CONSTRAINT alert_settings_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL CONSTRAINT alert_settings_location_id_key UNIQUE,
    enabled boolean NOT NULL,
    failure_threshold integer NOT NULL,
    time_window_hours integer NOT NULL,
    alert_on_critical boolean NOT NULL,
    alert_email text,
    webhook_url text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX alert_settings_updated_at_idx ON alert_settings (updated_at, location_id);

CREATE TABLE targets (
    target_id text COLLATE "C" NOT NULL CONSTRAINT targets_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    origin text NOT NULL,
    channel text NOT NULL CONSTRAINT targets_channel_check CHECK (channel IN ('email', 'webhook')),
    address text NOT NULL,
    sealed_secret bytea,
    disabled_because text NOT NULL,
    lease_until timestamptz NOT NULL,
    lease_token text COLLATE "C",
    next_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX targets_settings_idx ON targets (location_id, channel)
    WHERE origin = 'settings' AND removed_at IS NULL;
"""

INCIDENTS = """
CREATE TABLE incidents (
    incident_id text COLLATE "C" NOT NULL CONSTRAINT incidents_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    dedup_key text COLLATE "C" NOT NULL,
    status text NOT NULL,
    severity text NOT NULL,
    title text NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_name text NOT NULL,
    event_count bigint NOT NULL,
    failure_count bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT incidents_status_check CHECK (
        (status = 'open' AND resolved_at IS NULL)
        OR (status = 'resolved' AND resolved_at IS NOT NULL)
    )
);
CREATE UNIQUE INDEX incidents_open_idx ON incidents (location_id, dedup_key)
    WHERE status = 'open';
CREATE INDEX incidents_newest_idx ON incidents (location_id, last_event_at, incident_id);

CREATE TABLE events (
    event_id text COLLATE "C" NOT NULL CONSTRAINT events_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    once_key text COLLATE "C",
    payload jsonb NOT NULL,
    incident_id text COLLATE "C"
        CONSTRAINT events_incident_id_fkey REFERENCES incidents (incident_id),
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX events_once_idx ON events (location_id, once_key)
    WHERE once_key IS NOT NULL;
CREATE INDEX events_incident_id_idx ON events (incident_id);
"""

DELIVERIES = """
CREATE TABLE deliveries (
    delivery_id text COLLATE "C" NOT NULL CONSTRAINT deliveries_pkey PRIMARY KEY,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    location_id text COLLATE "C" NOT NULL,
    incident_id text COLLATE "C"
        CONSTRAINT deliveries_incident_id_fkey REFERENCES incidents (incident_id),
    event_id text COLLATE "C" NOT NULL
        CONSTRAINT deliveries_event_id_fkey REFERENCES events (event_id),
    target_id text COLLATE "C"
        CONSTRAINT deliveries_target_id_fkey REFERENCES targets (target_id),
    channel text NOT NULL,
    sent_to text NOT NULL,
    occasion text NOT NULL,
    subject text NOT NULL,
    body_text text NOT NULL,
    body_html text NOT NULL,
    body bytea NOT NULL,
    status text NOT NULL,
    suppressed_because text NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    CONSTRAINT deliveries_status_check CHECK (
        CASE status
            WHEN 'pending' THEN next_attempt_at IS NOT NULL AND target_id IS NOT NULL
            WHEN 'delivered' THEN delivered_at IS NOT NULL
            WHEN 'suppressed' THEN suppressed_because <> ''
            ELSE status = 'failed'
        END
    )
);
CREATE INDEX deliveries_newest_idx ON deliveries (location_id, position);
CREATE INDEX deliveries_incident_id_idx ON deliveries (incident_id, position);
CREATE INDEX deliveries_event_id_idx ON deliveries (event_id);
CREATE INDEX deliveries_due_idx ON deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_waiting_idx ON deliveries (target_id, position) WHERE status = 'pending';

CREATE TABLE delivery_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT delivery_attempts_pkey PRIMARY KEY,
    delivery_id text COLLATE "C" NOT NULL
        CONSTRAINT delivery_attempts_delivery_id_fkey REFERENCES deliveries (delivery_id),
    verdict text NOT NULL,
    code integer,
    detail text NOT NULL,
    charged boolean NOT NULL,
    elapsed_ms integer NOT NULL,
    ended_at timestamptz NOT NULL
);
CREATE INDEX delivery_attempts_delivery_id_idx ON delivery_attempts (delivery_id, id);

CREATE TABLE channel_holds (
    channel text NOT NULL CONSTRAINT channel_holds_pkey PRIMARY KEY,
    held_until timestamptz NOT NULL
);
"""

MAILBOX = """
CREATE TABLE test_alerts (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT test_alerts_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    sent_at timestamptz NOT NULL
);
CREATE INDEX test_alerts_location_id_idx ON test_alerts (location_id, sent_at);

CREATE TABLE caught_mail (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT caught_mail_pkey PRIMARY KEY,
    message_id text COLLATE "C" NOT NULL CONSTRAINT caught_mail_message_id_key UNIQUE,
    location_id text COLLATE "C" NOT NULL,
    caught_at timestamptz NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body_text text NOT NULL,
    body_html text NOT NULL
);
"""


def upgrade() -> None:
    for statements in (CLOCK, SETTINGS, INCIDENTS, DELIVERIES, MAILBOX):
        op.execute(statements)
