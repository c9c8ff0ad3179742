"""Alembic's migrations of the store: one file a schema version in `versions/`, oldest `0001`."""
