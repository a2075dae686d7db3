"""The log's key begins with the location, which saves each row an index; times alone take a small one."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("ALTER TABLE execution_logs DROP CONSTRAINT execution_logs_pkey")
    op.execute("""
        ALTER TABLE execution_logs ADD CONSTRAINT execution_logs_pkey
            PRIMARY KEY (location_id, executed_at, execution_id)
    """)
    op.execute("DROP INDEX execution_logs_location_idx")
    op.execute("""
        CREATE INDEX execution_logs_executed_at_idx ON execution_logs USING brin (executed_at)
    """)
