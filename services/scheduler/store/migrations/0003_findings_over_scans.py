"""Findings over scans: since when each is known, which are ignored, what fixing one gives."""

from alembic import op

revision = "0003"
down_revision = "0002"

FINDINGS = """
ALTER TABLE findings
    ADD COLUMN place_id text NOT NULL DEFAULT '',
    ADD COLUMN place_name text NOT NULL DEFAULT '',
    ADD COLUMN points_if_fixed integer,
    ADD COLUMN workflow_version integer;
ALTER TABLE findings ALTER place_id DROP DEFAULT, ALTER place_name DROP DEFAULT;
CREATE INDEX findings_fingerprint_idx ON findings (fingerprint);
ALTER TABLE scan_results
    ADD COLUMN ceiling integer,
    ADD COLUMN ceiling_reason text NOT NULL DEFAULT '',
    ADD COLUMN coverage jsonb NOT NULL DEFAULT '[]';
ALTER TABLE scan_results ALTER ceiling_reason DROP DEFAULT, ALTER coverage DROP DEFAULT;
ALTER TABLE score_alerts ADD COLUMN workflow_version integer;
"""

KNOWN = """
CREATE TABLE known_findings (
    location_id text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    workflow_name text NOT NULL,
    rule_id text NOT NULL,
    title text NOT NULL,
    severity text NOT NULL,
    standing text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    last_finding_id text COLLATE "C" NOT NULL,
    CONSTRAINT known_findings_pkey PRIMARY KEY (location_id, fingerprint)
);
CREATE TABLE ignored_findings (
    location_id text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    ignored_by text NOT NULL,
    ignored_at timestamptz NOT NULL,
    until timestamptz,
    workflow_version integer,
    CONSTRAINT ignored_findings_pkey PRIMARY KEY (location_id, fingerprint)
);
"""

# What the last scan of a scope found is open; what only earlier ones did is fixed.
FILL = """
INSERT INTO known_findings
SELECT DISTINCT ON (scan.location_id, finding.fingerprint)
    scan.location_id, finding.fingerprint, finding.workflow_id, finding.workflow_name,
    finding.rule_id, finding.title, finding.severity,
    CASE WHEN scan.id IN (
        SELECT DISTINCT ON (location_id, scan_scope, selected_workflow_ids) id
        FROM scan_history WHERE status = 'completed'
        ORDER BY location_id, scan_scope, selected_workflow_ids, completed_at DESC
    ) THEN 'open' ELSE 'fixed' END,
    finding.first_seen_at, scan.completed_at, finding.id
FROM findings AS finding JOIN scan_history AS scan ON scan.id = finding.scan_id
WHERE scan.status = 'completed'
ORDER BY scan.location_id, finding.fingerprint, scan.completed_at DESC;
"""


def upgrade() -> None:
    for statements in (FINDINGS, KNOWN, FILL):
        op.execute(statements)
