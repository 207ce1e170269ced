"""Write an order down exactly once: one commit serves all that wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from receiver.errors import Damaged, SecretsChanged
from receiver.intake import inserting
from receiver.intake.inserting import Entry, Recorded
from receiver.security.keyring import Stored
from receiver.storage.database import Database
from receiver.storage.group_commit import GroupCommit


class Inbox:
    """What records verified POSTs; every outcome it returns is on disk."""

    def __init__(self, database: Database) -> None:
        #: When the database last refused an order as if it were damaged, on the clock of time.monotonic.
        self.damage_found_at: float | None = None
        self._group = GroupCommit(database.write_cursor, inserting.write, most=inserting.MOST_ROWS)

    def record(self, row: Mapping[str, Any], verified_by: Stored) -> Recorded:
        """Insert one row, given by column, if the secrets that verified it are those of the commit's moment.

        Raises SecretsChanged when they aren't, Unavailable when it couldn't be put on disk.
        """
        try:
            outcome = self._group.add(Entry(row, verified_by))
        except Damaged:
            self.damage_found_at = time.monotonic()
            raise
        if isinstance(outcome, SecretsChanged):
            raise outcome
        return outcome
