"""Targets of their own: what each wants to hear, how it has been, secrets that are rotated."""

from alembic import op

revision = "0005"
down_revision = "0004"

TARGETS = """
ALTER TABLE targets
    DROP CONSTRAINT targets_channel_check,
    ADD CONSTRAINT targets_channel_check
        CHECK (channel IN ('email', 'webhook', 'slack', 'discord', 'sms')),
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN severity_floor text NOT NULL DEFAULT 'info',
    ADD COLUMN occasions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN fallback_target_id text COLLATE "C"
        CONSTRAINT targets_fallback_target_id_fkey REFERENCES targets (target_id),
    ADD COLUMN body_template text NOT NULL DEFAULT '',
    ADD COLUMN options jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN sealed_old_secret bytea,
    ADD COLUMN old_secret_until timestamptz,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN last_error text NOT NULL DEFAULT '',
    ADD COLUMN last_delivered_at timestamptz;
UPDATE targets SET disabled_at = created_at WHERE disabled_because <> '';
CREATE INDEX targets_location_id_idx ON targets (location_id) WHERE removed_at IS NULL;
"""

# What is sent once more costs as much of the pace as what is new.
DELIVERIES = "ALTER TABLE deliveries ADD COLUMN replayed boolean NOT NULL DEFAULT false"


def upgrade() -> None:
    op.execute(TARGETS)
    op.execute(DELIVERIES)
