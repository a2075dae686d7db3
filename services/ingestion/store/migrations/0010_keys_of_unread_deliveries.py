"""The caller's key of what could not be read, so that it still counts once."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE quarantined_deliveries
            ADD COLUMN idempotency_key text COLLATE "C" NOT NULL DEFAULT ''
    """)
