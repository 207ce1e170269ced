"""Run migrations on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

import receiver.account.tables
import receiver.clock_tables
import receiver.console.tables
import receiver.models
import receiver.processes
import receiver.registrars.tables
import receiver.relay.tables  # noqa: F401 - knowing the tables is what these are imported for
from receiver.columns import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
