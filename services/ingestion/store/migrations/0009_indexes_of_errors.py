"""Indexes of the runs that did not succeed: a tenth of the log, or less."""

from alembic import op

revision = "0009"
down_revision = "0008"

INDEXES = """
CREATE INDEX execution_logs_errors_idx ON execution_logs
    (location_id, workflow_id, executed_at DESC) WHERE status <> 'success';
CREATE INDEX execution_logs_location_errors_idx ON execution_logs
    (location_id, executed_at DESC) WHERE status <> 'success';
"""


def upgrade() -> None:
    op.execute(INDEXES)
