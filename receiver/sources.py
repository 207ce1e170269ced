"""The sources of the settings: each URL's own secrets and mapping; the file is read again when it changes."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from receiver import config, settings, signing
from receiver.errors import ConfigurationError, UnknownSource
from receiver.orders import Mapping

#: The source of ``POST /orders``.
DEFAULT = "shopintegrator"

_LOOK_EVERY_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Describes one place that orders come from."""

    name: str
    mapping: Mapping | None = None
    #: Secrets of its own; empty means the receiver's.
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Sources:
    """Gives the source of a URL, as ``instance/config.toml`` has it now."""

    def __init__(self, instance: Path, tables: dict[str, Any]) -> None:
        self._instance = instance
        self._mutex = threading.Lock()
        self._stamp = self._read_stamp()
        self._look_again_at = 0.0
        found, self.problems = _built(tables)
        self._sources = {DEFAULT: Source(DEFAULT), **found}

    def get(self, name: str = DEFAULT) -> Source:
        """Find a source by its name in the URL; raises UnknownSource."""
        self._refresh()
        if name not in self._sources:
            raise UnknownSource(f"No [sources.{name[:64]}] table stands in {config.FILE}; check the URL.")
        return self._sources[name]

    def _refresh(self) -> None:
        now = time.monotonic()
        if now < self._look_again_at:
            return
        self._look_again_at = now + _LOOK_EVERY_SECONDS
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        with self._mutex:
            try:
                tables = settings.read_file(self._instance).get("sources", {})
            except ConfigurationError as error:
                self.problems = [str(error)]
            else:
                found, self.problems = _built(tables)
                self._sources = {**self._sources, **found} if self.problems else found
            self._stamp = stamp
            for problem in self.problems:
                log.error("%s Until it is mended, what stood there before goes on.", problem)

    def _read_stamp(self) -> tuple[int, int]:
        try:
            status = (self._instance / config.FILE).stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)


def _built(tables: Any) -> tuple[dict[str, Source], list[str]]:
    """Build the sources that are right, and name what is wrong with the others; the default one needs no table."""
    if not isinstance(tables, dict):
        return {}, [f"sources in {config.FILE} must be tables such as [sources.{DEFAULT}.fields]."]
    sources: dict[str, Source] = {} if DEFAULT in tables else {DEFAULT: Source(DEFAULT)}
    problems: list[str] = []
    for name, table in tables.items():
        try:
            sources[name] = _source(name, table)
        except ConfigurationError as error:
            problems.append(f"[sources.{name}] in {config.FILE}: {error}")
    return sources, problems


def _source(name: str, table: Any) -> Source:
    if not isinstance(table, dict):
        raise ConfigurationError("must be a table.")
    unknown = set(table) - {"fields", "secrets"}
    if unknown:
        raise ConfigurationError(f"has {min(unknown)!r}, which is none of fields, secrets.")
    secrets = table.get("secrets", [])
    if not isinstance(secrets, list) or not all(isinstance(secret, str) for secret in secrets):
        raise ConfigurationError('secrets must be a list such as ["whsec_…"].')
    mapping = Mapping.from_table(table["fields"]) if table.get("fields") else None
    return Source(name, mapping, tuple(signing.clean_secret(secret) for secret in secrets))
