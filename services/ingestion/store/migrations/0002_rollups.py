"""The roll-ups of the log by hour and by day, filled from what the log holds."""

from alembic import op

from services.ingestion.store.rollups import FILL

revision = "0002"
down_revision = "0001"

NUMBERS = """
    succeeded bigint NOT NULL,
    failed bigint NOT NULL,
    partial bigint NOT NULL,
    expected bigint NOT NULL,
    timed bigint NOT NULL,
    total_time_ms bigint NOT NULL,
    times numeric NOT NULL,
    last_execution_at timestamptz NOT NULL,
    last_failure_at timestamptz,
    first_counted_at timestamptz,
    last_counted_at timestamptz
"""

TABLES = f"""
CREATE TABLE hourly_rollups (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    hour timestamptz NOT NULL,
    {NUMBERS},
    CONSTRAINT hourly_rollups_pkey PRIMARY KEY (location_id, workflow_id, hour)
) WITH (fillfactor = 70);
CREATE INDEX hourly_rollups_hour_idx ON hourly_rollups USING brin (hour);

CREATE TABLE daily_rollups (
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    day timestamptz NOT NULL,
    {NUMBERS},
    CONSTRAINT daily_rollups_pkey PRIMARY KEY (location_id, workflow_id, day)
);
CREATE INDEX daily_rollups_day_idx ON daily_rollups USING brin (day);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FILL)
