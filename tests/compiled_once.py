"""What the many apps of the tests share, so that each needs not work it out anew: compiled templates and routes."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


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
