"""The runs that began and were not reported to end."""

from alembic import op

revision = "0003"
down_revision = "0002"

OPEN_RUNS = """
CREATE TABLE open_runs (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    workflow_name text NOT NULL,
    started_at timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL,
    CONSTRAINT open_runs_pkey PRIMARY KEY (location_id, workflow_id, run_id)
);
CREATE INDEX open_runs_started_at_idx ON open_runs (started_at);
"""


def upgrade() -> None:
    op.execute(OPEN_RUNS)
