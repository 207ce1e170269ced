"""One place that orders come from: its secrets, its mapping, its options."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.orders import Mapping

#: The source of ``POST /orders``.
DEFAULT = "shopintegrator"


@dataclass(frozen=True)
class Source:
    """Describes one place that orders come from."""

    name: str
    #: All its rules; None when there is none.
    mapping: Mapping | None = None
    #: Secrets of its own; empty means the receiver's.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The rules by field that ``config.toml`` has, and those of the database for other fields.
    from_file: Table[str, Any] = field(default_factory=dict)
    saved: Table[str, Any] = field(default_factory=dict)
    #: Whether a form is taken for whole where neither a length nor the server shows that it is.
    accepts_chunked_forms: bool = False
    #: What ``config.toml`` says about that, which wins over what is saved; None when it says nothing.
    chunked_forms_in_file: bool | None = None

    def with_rules(self, saved: Table[str, Any]) -> Source:
        """Return it with these rules besides its file's, which win; raises ConfigurationError."""
        saved = {target: rule for target, rule in saved.items() if target not in self.from_file}
        rules = {**self.from_file, **saved}
        return replace(self, mapping=Mapping.from_table(rules) if rules else None, saved=saved)

    def with_chunked_forms(self, accepted: bool) -> Source:
        """Return it as it is when chunked forms are ``accepted`` by what is saved, unless its file says otherwise."""
        return self if self.chunked_forms_in_file is not None else replace(self, accepts_chunked_forms=accepted)
