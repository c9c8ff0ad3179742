"""What Alembic executes for every command: it migrates the connection that it is handed."""

from alembic import context
from sqlalchemy import Connection

from orchestrator.ledger.schema import metadata

connection: Connection = context.config.attributes["connection"]
# SQLite can roll a changed schema back: the writer's connection begins its transactions itself
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
