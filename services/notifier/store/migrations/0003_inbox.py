"""Who looks after an incident, what helped, when to remind; messages that no event caused."""

from alembic import op

revision = "0003"
down_revision = "0002"

INCIDENTS = """
ALTER TABLE incidents
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text NOT NULL DEFAULT '',
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN snoozed_until_worse boolean NOT NULL DEFAULT false,
    ADD COLUMN wakes_at_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN remind_at timestamptz,
    ADD COLUMN resolved_by text NOT NULL DEFAULT '',
    ADD COLUMN cause text NOT NULL DEFAULT '',
    ADD COLUMN fix text NOT NULL DEFAULT '';
CREATE INDEX incidents_remind_idx ON incidents (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX incidents_fixes_idx ON incidents (location_id, dedup_key, resolved_at)
    WHERE fix <> '' OR cause <> '';
"""

ACTIONS = """
CREATE TABLE incident_actions (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT incident_actions_pkey PRIMARY KEY,
    incident_id text COLLATE "C" NOT NULL
        CONSTRAINT incident_actions_incident_id_fkey REFERENCES incidents (incident_id),
    deed text NOT NULL,
    actor text NOT NULL,
    note text NOT NULL,
    done_at timestamptz NOT NULL
);
CREATE INDEX incident_actions_incident_id_idx ON incident_actions (incident_id, id);
"""


def upgrade() -> None:
    op.execute(INCIDENTS)
    op.execute(ACTIONS)
    op.execute("ALTER TABLE deliveries ALTER COLUMN event_id DROP NOT NULL")
