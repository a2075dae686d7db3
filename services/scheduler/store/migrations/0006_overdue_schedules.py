"""When a schedule is overdue, and whether people were told."""

from alembic import op

revision = "0006"
down_revision = "0005"

OVERDUE = """
ALTER TABLE scan_schedules
    ADD COLUMN overdue_at timestamptz,
    ADD COLUMN overdue boolean NOT NULL DEFAULT false;
CREATE INDEX scan_schedules_overdue_at_idx ON scan_schedules (overdue_at)
    WHERE enabled AND overdue_at IS NOT NULL;
CREATE INDEX scan_schedules_overdue_idx ON scan_schedules (id) WHERE overdue;
"""


def upgrade() -> None:
    op.execute(OVERDUE)
