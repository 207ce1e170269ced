"""May orders be taken? Everything that keeps them from it, in one place."""

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
    """What keeps orders from being taken: while there is any, /orders answers 503."""

    instance: Path
    has_key: bool
    database: Database
    sources: Sources
    #: What is wrong with the settings and, once serving, with the key: until a restart.
    lasting: list[str]
    #: What has been in the way at the database since the start; empty once it is gone.
    passing: list[str] = field(default_factory=list)

    def known(self) -> list[str]:
        """Return what is in the way, as far as it was looked at; quick enough for every request."""
        return [*self.lasting, *self.passing, *self.sources.blocking]

    def check(self) -> None:
        """Raise Unavailable while anything is in the way."""
        if self.known():
            raise Unavailable("The receiver cannot take orders yet; its log and `flask doctor` say why.")

    def look(self) -> list[str]:
        """Look at the key and the database, without which no command works either, and return what is wrong."""
        return [*self._of_key(), *self._of_database()]

    def begin(self) -> None:
        """Remember what ``look`` finds, for serving begins."""
        self.lasting += self._of_key()
        self.passing += self._of_database()

    def is_database_usable(self) -> bool:
        """Return whether the database can be used by now."""
        return not self._of_database()

    def _of_key(self) -> list[str]:
        problem = None if self.has_key else secret_key.problem(self.instance)
        return [problem] if problem else []

    def _of_database(self) -> list[str]:
        problem = migrations.problem(self.database.engine)
        return [problem] if problem else []
