"""Whom runs were about, as keyed hashes."""

from alembic import op

revision = "0007"
down_revision = "0006"

CONTACT_REFS = """
ALTER TABLE execution_logs ADD COLUMN contact_ref uuid;
ALTER TABLE open_runs ADD COLUMN contact_ref uuid;
"""


def upgrade() -> None:
    op.execute(CONTACT_REFS)
