"""Runs migrations on the connection that `campaigns.ledger.migrations` hands over."""

from alembic import context

from campaigns.ledger.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("run migrations by `dialer ledger upgrade`")
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
