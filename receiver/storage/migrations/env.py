"""Run migrations on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

import receiver.storage.account_models
import receiver.storage.clock_models
import receiver.storage.console_models
import receiver.storage.models
import receiver.storage.processes
import receiver.storage.registration_models
import receiver.storage.relay_models  # noqa: F401 - knowing the tables is what these are imported for
from receiver.storage.columns import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
