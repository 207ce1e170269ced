"""The schema of release 1.0.0, which a new database gets from the models and older ones can't be upgraded to.

``tests/storage/schema_0017.sql`` keeps it as it was.
"""

from __future__ import annotations

revision = "0017"
down_revision = None


def upgrade() -> None:
    """Do nothing: no database is below this revision."""
