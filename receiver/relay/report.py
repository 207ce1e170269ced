"""Read what a receiver of this kit answers: what became of the order, handler by handler. Nothing in it is trusted."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter
from pydantic.dataclasses import dataclass

_MOST_HANDLERS = 100
#: In characters.
_LONGEST_TEXT = 500


def _showable(value: object) -> str:
    """Return a text that can be shown: not too long, and without half a surrogate pair."""
    text = value if isinstance(value, str) else ""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _milliseconds(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 10**9 else None


def _handlers(value: object) -> list[dict[str, Any]]:
    return [one for one in value[:_MOST_HANDLERS] if isinstance(one, dict)] if isinstance(value, list) else []


Text = Annotated[str, BeforeValidator(_showable)]


@dataclass(frozen=True)
class HandlerReport:
    """How one handler ended on a test."""

    name: Text = ""
    state: Text = ""
    detail: Text = ""
    ms: Annotated[int | None, BeforeValidator(_milliseconds)] = None


@dataclass(frozen=True)
class Report:
    """The receiver's report on a transmission."""

    status: Literal["accepted", "parked", "duplicate", "ignored", "tested"]
    order_id: Text = ""
    receipt: Text = ""
    handlers: Annotated[tuple[HandlerReport, ...], BeforeValidator(_handlers)] = ()


_REPORT = TypeAdapter(Report)


def read(body: str) -> Report | None:
    """Return the report in an answer's body; None if it isn't from a receiver of this kit."""
    try:
        return _REPORT.validate_python(json.loads(body))
    except (ValueError, RecursionError):
        return None
