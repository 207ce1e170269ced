"""What the many apps of the tests share, so that each needs not work it out anew: compiled templates."""

from __future__ import annotations

from types import CodeType

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket


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
