"""The sources of orders: each URL's own secrets and mapping, as file and database have them now."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

from receiver.errors import ConfigurationError, Unavailable, UnknownSource
from receiver.settings import reading
from receiver.settings.model import FILE
from receiver.sources import answers, saved_options, saved_sources
from receiver.sources import tables as source_tables
from receiver.sources.answers import NONE
from receiver.sources.kinds import Kinds
from receiver.sources.source import DEFAULT, Source
from receiver.storage.database import Database

_LOOK_EVERY_SECONDS = 0.2

log = logging.getLogger(__name__)


class Sources:
    """The sources by URL, as ``instance/config.toml`` and the database have them now.

    Both are looked at a few times a second at most. A look that fails changes nothing: what was read before holds.
    """

    def __init__(
        self,
        instance: Path,
        tables: dict[str, Any],
        database: Database | None = None,
        kinds: Kinds = Kinds(),  # noqa: B008 - it's frozen
        secret_key: str = "",
    ) -> None:
        self._instance = instance
        self._secret_key = secret_key
        #: The kinds of source besides the usual one.
        self.kinds = kinds
        self._database = database
        self._mutex = threading.Lock()
        self._stamp = self._read_stamp()
        self._look_again_at = 0.0
        self._has_looked = False
        #: The stamp of the file that was last found right.
        self._checked: tuple[int, int] | None = None
        self._database_answers = True
        #: Sentences on what's wrong in the file now.
        self.problems: list[str] = []
        #: And on what has no effect in it.
        self.warnings: list[str] = []
        self._was_right = False
        self._saved = saved_options.Saved([], [])
        self._in_file: dict[str, Source] = {DEFAULT: Source(DEFAULT)}
        self._in_database: dict[str, Source] = {}
        self._take(tables)
        self._merge()

    @property
    def blocking(self) -> list[str]:
        """What has been wrong in the file since the start; after a later error, the previous content holds."""
        if not self._was_right:
            with self._mutex:
                if self._look_at_file():
                    self._merge()
        return [] if self._was_right else self.problems

    def get(self, name: str = DEFAULT) -> Source:
        """Return a source by its name in the URL; raises UnknownSource."""
        source = self.find(name)
        if source is None:  # the sender chose the name, which may be a secret, so it isn't repeated
            raise UnknownSource(f"No source has this name: neither {FILE} nor the console has added one.")
        return source

    def find(self, name: str) -> Source | None:
        """Return a source by its name in the URL, or None."""
        # While another thread looks, what was read before will do, except at the very first look.
        if time.monotonic() >= self._look_again_at and self._mutex.acquire(blocking=not self._has_looked):
            try:
                self._look()
            finally:
                self._mutex.release()
        return self._sources.get(name)

    @property
    def known(self) -> tuple[Source, ...]:
        """All sources, as of the last look."""
        return tuple(self._sources.values())

    @property
    def shadowed(self) -> list[str]:
        """A sentence for each source that was added in the console and has no effect, as of the last look."""
        return [
            f"The source {name} is in {FILE}, so the one of this name that was added in the console has no effect. "
            f"Remove one of them: the table, or with `flask sources remove {name}`."
            for name in sorted(self._in_database.keys() & self._in_file.keys())
        ]

    def check_file(self) -> None:
        """Raise ConfigurationError while the file is wrong, even if what was read before holds.

        For what's read once and for all: an order that's kept can wait until the file is fixed.
        """
        stamp = self._read_stamp()
        if stamp == self._checked:
            return
        _, problems = source_tables.built(reading.read_file(self._instance).get("sources", {}), self.kinds)
        if problems:
            raise ConfigurationError(problems[0])
        self.look_again()
        self._checked = stamp

    def look_again(self) -> None:
        """Look at file and database now: one of them has just changed."""
        with self._mutex:
            self._look_again_at = 0.0
            self._look()

    def _look(self) -> None:
        if time.monotonic() < self._look_again_at:
            return
        file_changed = self._look_at_file()
        database_changed = self._look_at_database()
        if file_changed or database_changed:
            self._merge()
        self._has_looked = True
        self._look_again_at = time.monotonic() + _LOOK_EVERY_SECONDS

    def _look_at_file(self) -> bool:
        """Read the file again if it has changed; return whether it had. Skip an empty one: an editor will fill it."""
        stamp = self._read_stamp()
        if stamp == self._stamp or not stamp[1]:
            return False
        self._stamp = stamp
        try:
            self._take(reading.read_file(self._instance).get("sources", {}))
        except ConfigurationError as error:
            self.problems = [str(error)]
        for problem in self.problems:
            log.error("%s Until it's fixed, what was read before holds.", problem)
        for warning in self.warnings:
            log.warning("%s", warning)
        return True

    def _take(self, tables: Any) -> None:
        """Take the sources that are right; one that's wrong stays as it was."""
        found, self.problems = source_tables.built(tables, self.kinds)
        self.warnings = source_tables.without_effect(tables)
        self._in_file = {**self._in_file, **found} if self.problems else found
        self._was_right = self._was_right or not self.problems

    def _look_at_database(self) -> bool:
        """Read what the database holds of sources; return whether it has changed."""
        if self._database is None:
            return False
        try:
            found = saved_options.read(self._database)
        except Unavailable as error:
            if self._database_answers:
                log.warning("%s What was read before holds.", error)
            self._database_answers = False
            return False
        self._database_answers = True
        before, self._saved = self._saved, found
        if (found.sources, found.secrets) != (before.sources, before.secrets):
            self._in_database = saved_sources.built(found, self.kinds, self._secret_key)
        return found != before

    def _merge(self) -> None:
        rules, accepting = saved_options.by_source(self._saved.rules), saved_options.accepting(self._saved.options)
        answered = answers.by_source(self._saved.options)
        self._sources = {
            name: source.with_answers(answered.get(name, NONE))
            .with_rules(rules.get(name, {}))
            .with_chunked_forms(name in accepting)
            for name, source in (self._in_database | self._in_file).items()
        }
        #: The secrets that sources have of their own, as of the last look.
        self.secrets = tuple(secret for source in self._sources.values() for secret in source.secrets)

    def _read_stamp(self) -> tuple[int, int]:
        try:
            status = (self._instance / FILE).stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)
