"""The whole street in one process: its own PostgreSQL, the three services, the gateway."""
