"""A body as a shop sends it, made and signed here to try a source without its shop."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
#: What stands for a value in a sample: it's filled in when the sample is made.
_FILLED_IN = re.compile(r"\$(number|id|secret|seconds|milliseconds|time|%.*)")


@dataclass(frozen=True)
class Sample:
    """A body as a shop sends it.

    A text that is ``$number``, ``$id``, ``$secret``, ``$seconds``, ``$milliseconds`` or ``$time`` stands for a number
    or an id that no other sample has, for the secret, and for now; ``$%Y-%m-%d`` is now in UTC in any form.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether it's a form instead of JSON; ``in_field`` has the JSON in this field of a form.
    is_form: bool = False
    in_field: str = ""

    @property
    def content_type(self) -> str:
        """The Content-Type that the shop sends."""
        return FORM if self.is_form or self.in_field else JSON

    def encoded(self, *, secret: str, number: int, now: datetime) -> bytes:
        """Return the bytes of the body; ``now`` is aware UTC."""
        values = {
            "number": number,
            "id": f"sample-{number}",
            "secret": secret,
            "seconds": int(now.timestamp()),
            "milliseconds": int(now.timestamp()) * 1000,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        body = _filled_in(self.body, values, now)
        if self.is_form:
            return urlencode(body).encode()
        text = json.dumps(body, ensure_ascii=False)
        return urlencode({self.in_field: text}).encode() if self.in_field else text.encode()


def _filled_in(node: Any, values: Mapping[str, Any], now: datetime) -> Any:
    if isinstance(node, Mapping):
        return {name: _filled_in(value, values, now) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_filled_in(value, values, now) for value in node]
    found = _FILLED_IN.fullmatch(node) if isinstance(node, str) else None
    if found is None:
        return node
    return now.strftime(found[1]) if found[1].startswith("%") else values[found[1]]
