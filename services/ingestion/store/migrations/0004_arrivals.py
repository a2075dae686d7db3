"""The batches in the order in which they were recorded."""

from alembic import op

revision = "0004"
down_revision = "0003"

ARRIVALS = """
CREATE TABLE arrivals (
    arrival_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT arrivals_pkey PRIMARY KEY,
    arrived_at timestamptz NOT NULL,
    moments timestamptz[] NOT NULL
);
CREATE INDEX arrivals_arrived_at_idx ON arrivals (arrived_at);
"""


def upgrade() -> None:
    op.execute(ARRIVALS)
