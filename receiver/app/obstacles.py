"""Everything that keeps orders from being taken, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from receiver.errors import Unavailable
from receiver.settings import secret_key
from receiver.sources.registry import Sources
from receiver.storage import migrations
from receiver.storage.database import Database


@dataclass(kw_only=True)
class Obstacles:
    """The obstacles to taking orders: while there is any, /orders answers 503."""

    instance: Path
    has_key: bool
    database: Database
    sources: Sources
    #: What's wrong with the settings and, once serving, with the key. Stays until a restart.
    lasting: list[str]
    #: What's wrong with the database since the start. Emptied once it can be used.
    passing: list[str] = field(default_factory=list)

    def known(self) -> list[str]:
        """Return the obstacles found so far; quick enough for every request."""
        return [*self.lasting, *self.passing, *self.sources.blocking]

    def check(self) -> None:
        """Raise Unavailable while there is any obstacle."""
        if self.known():
            raise Unavailable("The receiver cannot take orders yet; its log and `flask doctor` say why.")

    def look(self) -> list[str]:
        """Check the key and the database, which commands need too, and return what's wrong."""
        return [*self._of_key(), *self._of_database()]

    def begin(self) -> None:
        """Check the key and the database as serving begins, and remember what's wrong."""
        self.lasting += self._of_key()
        self.passing += self._of_database()

    def is_database_usable(self) -> bool:
        """Check whether the database can be used now."""
        return not self._of_database()

    def _of_key(self) -> list[str]:
        problem = None if self.has_key else secret_key.problem(self.instance)
        return [problem] if problem else []

    def _of_database(self) -> list[str]:
        problem = migrations.problem(self.database)
        return [problem] if problem else []
