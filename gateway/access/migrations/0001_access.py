"""Locations, keys, sessions and the audit log."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()'"
    )
    op.execute("""
        CREATE TABLE locations (
            location_id text COLLATE "C" CONSTRAINT locations_pkey PRIMARY KEY,
            name text NOT NULL,
            time_zone text NOT NULL,
            created_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE api_keys (
            key_id text COLLATE "C" CONSTRAINT api_keys_pkey PRIMARY KEY,
            key_hash bytea NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE,
            prefix text NOT NULL,
            name text NOT NULL,
            scope text NOT NULL
                CONSTRAINT api_keys_scope_check
                CHECK (scope IN ('ingest', 'read', 'write', 'admin')),
            location_id text COLLATE "C"
                CONSTRAINT api_keys_location_id_fkey REFERENCES locations,
            created_at timestamptz NOT NULL,
            expires_at timestamptz,
            revoked_at timestamptz,
            last_used_at timestamptz
        )
    """)
    op.execute("CREATE INDEX api_keys_location_id_idx ON api_keys (location_id)")
    op.execute("""
        CREATE TABLE sessions (
            session_hash bytea CONSTRAINT sessions_pkey PRIMARY KEY,
            key_id text COLLATE "C" NOT NULL
                CONSTRAINT sessions_key_id_fkey REFERENCES api_keys,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX sessions_expires_at_idx ON sessions (expires_at)")
    op.execute("""
        CREATE TABLE audit_log (
            audit_id text COLLATE "C" CONSTRAINT audit_log_pkey PRIMARY KEY,
            at timestamptz NOT NULL,
            key_id text COLLATE "C" NOT NULL,
            key_name text NOT NULL,
            location_id text COLLATE "C",
            action text NOT NULL,
            subject text NOT NULL,
            request_id text NOT NULL
        )
    """)
    op.execute(
        "CREATE INDEX audit_log_location_id_audit_id_idx ON audit_log (location_id, audit_id)"
    )
