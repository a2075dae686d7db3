"""What is really sent: messages, each with one delivery or many; two lanes and their pace."""

from alembic import op

revision = "0004"
down_revision = "0003"

MESSAGES = """
CREATE TABLE messages (
    message_id text COLLATE "C" NOT NULL CONSTRAINT messages_pkey PRIMARY KEY,
    target_id text COLLATE "C" NOT NULL
        CONSTRAINT messages_target_id_fkey REFERENCES targets (target_id),
    incident_id text COLLATE "C",
    subject text NOT NULL,
    body_text text NOT NULL,
    body_html text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX messages_created_at_idx ON messages (created_at);
INSERT INTO messages
SELECT delivery_id, target_id, incident_id, subject, body_text, body_html, body, created_at
FROM deliveries
WHERE target_id IS NOT NULL AND (status <> 'suppressed' OR attempts > 0 OR EXISTS (
    SELECT FROM delivery_attempts WHERE delivery_attempts.delivery_id = deliveries.delivery_id));
"""

DELIVERIES = """
ALTER TABLE deliveries
    ADD COLUMN lane smallint NOT NULL DEFAULT 0,
    ADD COLUMN held_until timestamptz,
    ADD COLUMN content jsonb,
    ADD COLUMN message_id text COLLATE "C"
        CONSTRAINT deliveries_message_id_fkey REFERENCES messages (message_id),
    DROP COLUMN body_text,
    DROP COLUMN body_html,
    DROP COLUMN body;
UPDATE deliveries SET message_id = delivery_id
WHERE EXISTS (SELECT FROM messages WHERE messages.message_id = deliveries.delivery_id);
CREATE INDEX deliveries_message_id_idx ON deliveries (message_id);
"""

ATTEMPTS = """
ALTER TABLE delivery_attempts
    ADD COLUMN message_id text COLLATE "C"
        CONSTRAINT delivery_attempts_message_id_fkey REFERENCES messages (message_id);
UPDATE delivery_attempts SET message_id = delivery_id;
ALTER TABLE delivery_attempts ALTER COLUMN message_id SET NOT NULL, DROP COLUMN delivery_id;
CREATE INDEX delivery_attempts_message_id_idx ON delivery_attempts (message_id, id);
"""

PACE = """
ALTER TABLE targets
    ADD COLUMN urgent_paid_until timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN calm_paid_until timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE incidents ADD COLUMN settles_at timestamptz;
CREATE INDEX incidents_settling_idx ON incidents (location_id, dedup_key)
    WHERE settles_at IS NOT NULL;
"""


def upgrade() -> None:
    for statements in (MESSAGES, DELIVERIES, ATTEMPTS, PACE):
        op.execute(statements)
