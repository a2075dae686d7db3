"""Since when a channel cannot be used."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE channel_holds ADD COLUMN held_since timestamptz NOT NULL DEFAULT 'epoch'"
    )
