"""The same error in many locations."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE incidents ADD COLUMN error_fingerprint text COLLATE "C" NOT NULL DEFAULT '';
        CREATE INDEX incidents_error_idx ON incidents (last_event_at)
            WHERE error_fingerprint <> ''
    """)
