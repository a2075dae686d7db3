"""Contacts that are to be forgotten, and the messages whose text is to go with them."""

from alembic import op

revision = "0016"
down_revision = "0015"

FORGOTTEN = """
CREATE TABLE forgotten_contacts (
    event_id text COLLATE "C" CONSTRAINT forgotten_contacts_pkey PRIMARY KEY,
    location_id text COLLATE "C" NOT NULL,
    execution_ids text[] NOT NULL,
    run_ids text[] NOT NULL,
    told_event_ids text[] NOT NULL DEFAULT '{}',
    is_last boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL
);
"""

MESSAGES = """
ALTER TABLE messages ADD COLUMN removal text NOT NULL DEFAULT '';
CREATE INDEX messages_removal_idx ON messages (target_id, message_id) WHERE removal = 'due';
"""


def upgrade() -> None:
    op.execute(FORGOTTEN)
    op.execute(MESSAGES)
