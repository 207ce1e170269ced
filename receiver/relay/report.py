"""What a receiver of this kit says in its answer: what became of the order, handler by handler."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

#: What the kit's receiver says of an order that it took.
_STATUSES = ("accepted", "parked", "duplicate", "ignored", "tested")
_MOST_HANDLERS = 100
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class HandlerReport:
    """How one handler ended on a test."""

    name: str
    state: str
    detail: str
    ms: int | None


@dataclass(frozen=True)
class Report:
    """The receiver's report on a transmission; its texts are cut to a length."""

    status: str
    order_id: str
    receipt: str
    handlers: tuple[HandlerReport, ...]


def read(body: str) -> Report | None:
    """Read an answer's body; None when it is not of this kit's receiver. Anybody may have written it."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("status") not in _STATUSES:
        return None
    handlers = content.get("handlers")
    return Report(
        status=content["status"],
        order_id=_text(content.get("order_id")),
        receipt=_text(content.get("receipt")),
        handlers=tuple(
            _handler(one)
            for one in (handlers if isinstance(handlers, list) else [])[:_MOST_HANDLERS]
            if isinstance(one, dict)
        ),
    )


def _handler(content: dict[str, Any]) -> HandlerReport:
    milliseconds = content.get("ms")
    is_number = isinstance(milliseconds, int) and not isinstance(milliseconds, bool) and 0 <= milliseconds < 10**9
    return HandlerReport(
        name=_text(content.get("name")),
        state=_text(content.get("state")),
        detail=_text(content.get("detail")),
        ms=milliseconds if is_number else None,
    )


def _text(value: object) -> str:
    """Return a text that can be shown: a half of a surrogate pair cannot."""
    text = value if isinstance(value, str) else ""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
