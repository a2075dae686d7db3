"""How far a scan is, what ended the attempts before, and what was done to schedules."""

from alembic import op

revision = "0004"
down_revision = "0003"

PROGRESS = """
ALTER TABLE scan_history ADD COLUMN failures jsonb NOT NULL DEFAULT '[]';
CREATE TABLE scan_progress (
    scan_id text COLLATE "C" NOT NULL
        CONSTRAINT scan_progress_scan_id_fkey REFERENCES scan_history (id) ON DELETE CASCADE,
    position integer NOT NULL,
    results jsonb NOT NULL,
    CONSTRAINT scan_progress_pkey PRIMARY KEY (scan_id, position)
);
"""

CHANGES = """
ALTER TABLE scan_requests ADD COLUMN asked text NOT NULL DEFAULT '';
CREATE TABLE schedule_changes (
    location_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    schedule_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    changed_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    enabled boolean NOT NULL,
    snapshot jsonb NOT NULL,
    CONSTRAINT schedule_changes_pkey PRIMARY KEY (location_id, id)
);
CREATE INDEX schedule_changes_changed_at_idx ON schedule_changes (changed_at);
INSERT INTO schedule_changes
SELECT location_id, id, id, 'changed', updated_at, '', '', enabled, jsonb_build_object(
    'frequency', frequency, 'preferred_time', preferred_time, 'timezone', timezone,
    'weekday', weekday, 'cron_expression', cron_expression, 'spread_seconds', spread_seconds,
    'blackout_windows', blackout_windows
) FROM scan_schedules;
"""


def upgrade() -> None:
    op.execute(PROGRESS)
    op.execute(CHANGES)
