"""When a door was open last, and the times in which nothing could be recorded."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE door_heartbeats (
            id integer CONSTRAINT door_heartbeats_pkey PRIMARY KEY
                CONSTRAINT door_heartbeats_id_check CHECK (id = 1),
            heartbeat_at timestamptz NOT NULL,
            previous_at timestamptz
        )
    """)
    op.execute("""
        CREATE TABLE recording_gaps (
            gap_id uuid CONSTRAINT recording_gaps_pkey PRIMARY KEY,
            started_at timestamptz NOT NULL,
            ended_at timestamptz NOT NULL,
            over_told boolean NOT NULL DEFAULT false
        )
    """)
    op.execute("""
        CREATE INDEX recording_gaps_ended_at_idx ON recording_gaps (ended_at DESC, gap_id DESC)
    """)
