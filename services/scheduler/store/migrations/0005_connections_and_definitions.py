"""How locations are connected, what is known of their workflows, and the definitions of these."""

from alembic import op

revision = "0005"
down_revision = "0004"

CONNECTIONS = """
CREATE TABLE ghl_connections (
    location_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    status_since timestamptz NOT NULL,
    error text NOT NULL,
    connected_at timestamptz NOT NULL,
    connected_by text NOT NULL,
    last_read_at timestamptz,
    access_token bytea NOT NULL,
    access_expires_at timestamptz,
    refresh_token bytea,
    grant_version integer NOT NULL,
    renewing_by text NOT NULL,
    renewing_until timestamptz NOT NULL,
    unreadable jsonb NOT NULL,
    CONSTRAINT ghl_connections_pkey PRIMARY KEY (location_id)
);
"""

WORKFLOWS = """
CREATE TABLE workflow_snapshots (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    version bigint,
    created_at timestamptz,
    updated_at timestamptz,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    vanished_at timestamptz,
    scanned_at timestamptz,
    scanned_status text,
    scanned_version bigint,
    CONSTRAINT workflow_snapshots_pkey PRIMARY KEY (location_id, workflow_id)
);
CREATE TABLE workflow_changes (
    location_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    changed_at timestamptz NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    version bigint,
    previous_name text NOT NULL,
    previous_status text NOT NULL,
    previous_version bigint,
    CONSTRAINT workflow_changes_pkey PRIMARY KEY (location_id, id)
);
CREATE INDEX workflow_changes_location_idx ON workflow_changes (location_id, changed_at, id);
CREATE INDEX workflow_changes_workflow_idx
    ON workflow_changes (location_id, workflow_id, changed_at, id);
CREATE TABLE workflow_definitions (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    origin text NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL,
    size integer NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    step_count integer NOT NULL,
    read_at timestamptz NOT NULL,
    uploaded_by text NOT NULL,
    CONSTRAINT workflow_definitions_pkey PRIMARY KEY (location_id, workflow_id, origin)
);
"""


def upgrade() -> None:
    op.execute(CONNECTIONS)
    op.execute(WORKFLOWS)
