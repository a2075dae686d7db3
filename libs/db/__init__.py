"""Everything the services share about PostgreSQL."""
