"""Counts the SMS of a month."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE targets ADD COLUMN sent_month date,"
        " ADD COLUMN sent_count integer NOT NULL DEFAULT 0"
    )
