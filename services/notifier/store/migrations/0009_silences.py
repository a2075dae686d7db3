"""Silences, and causes that stand for what they cause."""

from alembic import op

revision = "0009"
down_revision = "0008"

SILENCES = """
CREATE TABLE silences (
    silence_id text COLLATE "C" NOT NULL CONSTRAINT silences_pkey PRIMARY KEY,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    location_id text COLLATE "C" NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    kinds text[] NOT NULL,
    up_to text NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    expired_by text NOT NULL
);
CREATE INDEX silences_location_id_idx ON silences (location_id, position);
CREATE INDEX silences_ends_at_idx ON silences (location_id, ends_at);

ALTER TABLE deliveries ADD COLUMN suppressed_by text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX deliveries_suppressed_by_idx ON deliveries (suppressed_by) WHERE suppressed_by <> '';
"""

CAUSES = """
ALTER TABLE incidents
    ADD COLUMN caused_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN affected_count bigint NOT NULL DEFAULT 0;
CREATE INDEX incidents_caused_by_idx ON incidents (caused_by) WHERE caused_by <> '';
"""


def upgrade() -> None:
    op.execute(SILENCES)
    op.execute(CAUSES)
