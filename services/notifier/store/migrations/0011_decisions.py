"""What was decided of an event, and by which settings."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE events ADD COLUMN decision jsonb")
