"""Schedules that spread, keep out of hours, wait for a scan, and are paused by somebody."""

from alembic import op

revision = "0002"
down_revision = "0001"

SCHEDULES = """
ALTER TABLE scan_schedules
    ADD COLUMN spread_seconds integer NOT NULL DEFAULT 0,
    ADD COLUMN blackout_windows jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN catchup_seconds integer,
    ADD COLUMN overlap_policy text NOT NULL DEFAULT 'skip',
    ADD COLUMN switched_at timestamptz,
    ADD COLUMN switched_by text NOT NULL DEFAULT '',
    ADD COLUMN switch_reason text NOT NULL DEFAULT '';
"""

SCANS = """
ALTER TABLE scan_history ADD COLUMN buffered boolean NOT NULL DEFAULT false;
DROP INDEX scan_history_active_key;
CREATE UNIQUE INDEX scan_history_active_key ON scan_history (location_id)
    WHERE status IN ('queued', 'running') AND NOT buffered;
CREATE UNIQUE INDEX scan_history_buffered_key ON scan_history (location_id)
    WHERE status = 'queued' AND buffered;
"""


def upgrade() -> None:
    op.execute(SCHEDULES)
    op.execute(SCANS)
