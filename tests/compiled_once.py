"""What the many apps of the tests share, so that none works it out anew: templates, routes, statements, packages."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoints, entry_points
from types import CodeType
from typing import Any

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from receiver.settings import extensions


class CompiledOnce(BytecodeCache):
    """Keeps what Jinja compiled by a template's name and text, so a changed template is compiled anew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


def share_compiled_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every environment of this process, the console's and the mails', use one cache."""
    cache = CompiledOnce()
    shared = property(lambda _: cache, lambda *_: None)
    monkeypatch.setattr(Environment, "bytecode_cache", shared, raising=False)


def share_compiled_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile once what builds the URLs of a route; it depends on how the route is written and on nothing else."""
    compiled: Callable[..., Any] = vars(Rule)["_compile_builder"]
    kept: dict[tuple[object, ...], Any] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        written = (rule.rule, rule.host, rule.subdomain, rule.merge_slashes, repr(rule.defaults), append_unknown)
        if written not in kept:
            kept[written] = compiled(rule, append_unknown)
        return kept[written]

    monkeypatch.setattr(Rule, "_compile_builder", compile_once)


def share_compiled_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile a statement once for all databases of one kind and version, not once for each engine."""
    compiled: Callable[..., Any] = vars(ClauseElement)["_compile_w_cache"]
    kept: LRUCache[Any, Any] = LRUCache(5_000)
    first_of_kind: dict[tuple[object, ...], Dialect] = {}

    def compile_once(statement: ClauseElement, dialect: Dialect, *, compiled_cache: Any, **options: Any) -> Any:
        if compiled_cache is not None:
            kind = (type(dialect), dialect.dbapi, dialect.server_version_info)
            dialect, compiled_cache = first_of_kind.setdefault(kind, dialect), kept
        return compiled(statement, dialect, compiled_cache=compiled_cache, **options)

    monkeypatch.setattr(ClauseElement, "_compile_w_cache", compile_once)


def share_installed_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look once for what the installed packages bring, and again when there is another place to look."""

    @functools.cache
    def found(_places: tuple[str, ...], group: str) -> EntryPoints:
        return entry_points(group=group)

    monkeypatch.setattr(extensions, "entry_points", lambda group: found(tuple(sys.path), group))
