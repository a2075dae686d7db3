"""How often a target hears of what is not urgent."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE targets ADD COLUMN digest text NOT NULL DEFAULT 'off'")
