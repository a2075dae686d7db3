"""Thresholds of single workflows."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE location_settings
            ADD COLUMN workflow_id text COLLATE "C" NOT NULL DEFAULT '',
            DROP CONSTRAINT location_settings_pkey,
            ADD CONSTRAINT location_settings_pkey PRIMARY KEY (location_id, workflow_id)
    """)
