"""How bad an incident was when a message about it was made for a target."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    # What was told before is as if all of it had been told: nobody knows any more.
    op.execute("""
        ALTER TABLE deliveries ADD COLUMN told_count bigint NOT NULL DEFAULT 0;
        UPDATE deliveries
        SET told_count = CASE WHEN failure_count > 0 THEN failure_count ELSE event_count END
        FROM incidents
        WHERE incidents.incident_id = deliveries.incident_id AND message_id IS NOT NULL
          AND (resolved_at IS NULL OR resolved_at > now() - interval '30 days')
    """)
