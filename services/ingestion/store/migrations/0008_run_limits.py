"""How long runs of a workflow may take, and what was told of those that never ended."""

from alembic import op

revision = "0008"
down_revision = "0007"

RUN_LIMITS = """
ALTER TABLE workflows
    ADD COLUMN run_limit_hours integer CONSTRAINT workflows_run_limit_hours_check
        CHECK (run_limit_hours BETWEEN 1 AND 720),
    ADD COLUMN finish_due boolean NOT NULL DEFAULT false;
CREATE INDEX workflows_run_limit_hours_idx ON workflows (run_limit_hours)
    WHERE run_limit_hours IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(RUN_LIMITS)
