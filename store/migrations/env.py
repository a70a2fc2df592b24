"""Run by Alembic: hand it the connection that is already open."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
