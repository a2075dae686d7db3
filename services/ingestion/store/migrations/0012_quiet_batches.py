"""What lets a batch end in one trip: a refusal, and a way to the failures that it only counted."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION guessed_wrong() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'A batch guessed wrong; it is recorded again without a guess.'
                USING ERRCODE = 'RW001';
        END
        $$
    """)
    op.execute("""
        CREATE INDEX workflows_failing_idx ON workflows (location_id, workflow_id) WHERE failing
    """)
