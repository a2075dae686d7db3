"""Whether people were told of a low score that it is critical."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # What was told before is not told again for this alone.
    op.execute("ALTER TABLE score_alerts ADD COLUMN critical boolean NOT NULL DEFAULT true")
