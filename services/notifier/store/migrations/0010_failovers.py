"""Who stands in for a target that fails, and what another target was told of it."""

from alembic import op

revision = "0010"
down_revision = "0009"

DELIVERIES = """
ALTER TABLE deliveries
    ADD COLUMN last_code integer,
    ADD COLUMN failed_over_at timestamptz;
CREATE INDEX deliveries_urgent_idx ON deliveries (target_id, created_at)
    WHERE lane = 0 AND failed_over_at IS NULL AND status <> 'delivered';
CREATE INDEX deliveries_given_up_idx ON deliveries (location_id, position)
    WHERE status = 'failed';
"""

TARGETS = """
ALTER TABLE targets
    ADD COLUMN failed_over_count integer NOT NULL DEFAULT 0,
    ADD COLUMN news_until timestamptz NOT NULL DEFAULT 'epoch';
"""


def upgrade() -> None:
    op.execute(DELIVERIES)
    op.execute(TARGETS)
