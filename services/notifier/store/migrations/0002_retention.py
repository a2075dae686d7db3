"""Finds what is older than it is kept."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX events_received_at_idx ON events (received_at)")
    op.execute("CREATE INDEX deliveries_created_at_idx ON deliveries (created_at)")
