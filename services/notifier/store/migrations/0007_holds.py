"""Why something is held; when it is told that an incident got worse."""

from alembic import op

revision = "0007"
down_revision = "0006"

DELIVERIES = """
ALTER TABLE deliveries ADD COLUMN held_because text NOT NULL DEFAULT '';
UPDATE deliveries SET held_because = 'settling' WHERE held_until IS NOT NULL;
"""

# Of incidents that are open now everything was told, as far as anybody is to know.
INCIDENTS = """
ALTER TABLE incidents
    ADD COLUMN told_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN told_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN update_at timestamptz;
UPDATE incidents SET told_count = greatest(failure_count, event_count), told_at = clock_now()
WHERE status = 'open';
CREATE INDEX incidents_resolved_idx ON incidents (location_id, dedup_key, resolved_at);
CREATE INDEX incidents_update_idx ON incidents (update_at) WHERE update_at IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(DELIVERIES)
    op.execute(INCIDENTS)
