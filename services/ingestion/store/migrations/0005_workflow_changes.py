"""How workflows changed in GoHighLevel."""

from alembic import op

revision = "0005"
down_revision = "0004"

WORKFLOW_CHANGES = """
CREATE TABLE workflow_changes (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    version bigint,
    previous_name text NOT NULL,
    previous_status text NOT NULL,
    previous_version bigint,
    CONSTRAINT workflow_changes_pkey PRIMARY KEY (location_id, workflow_id, changed_at)
);
"""


def upgrade() -> None:
    op.execute(WORKFLOW_CHANGES)
