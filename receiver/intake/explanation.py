"""Why an order is or isn't understood: its reading with today's mapping, parameter by parameter."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from receiver.errors import NotPossible, NotThere
from receiver.intake import second_orders
from receiver.intake.copies import fields_of
from receiver.mail.text_layout import cut, plain_line
from receiver.orders import (
    MAY_BE_INCOMPLETE,
    Explained,
    Explanation,
    Fields,
    Mapping,
    NotUnderstood,
    explain,
    guard,
    read,
)
from receiver.orders.saved_bodies import Limits, saved_bodies
from receiver.security.keyring import Keyring
from receiver.sources.registry import Sources
from receiver.sources.source import DEFAULT, Source
from receiver.storage import order_queries
from receiver.storage.models import OrderRow

#: Most characters of a value that a person is shown.
_LONGEST_SHOWN = 300


@dataclass(frozen=True)
class Reading:
    """A body's explanation, with the result of reading it."""

    explanation: Explanation
    #: ``completed``, the word that makes it ignored, or None while it isn't understood.
    decided: str | None
    errors: list[dict[str, str]]
    notes: list[str]
    source: str
    #: It may be incomplete, so it doesn't run by itself.
    is_held_back: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return everything for a program."""
        return {
            "understood": self.decided is not None,
            "decided": self.decided,
            "errors": self.errors,
            "notes": self.notes,
            "fields": [
                {"field": row.field, "parameters": list(row.parameters), "value": row.value} for row in self._fed()
            ],
            "missing": [row.field for row in self.explanation.rows if not row.value],
            "unused": list(self.explanation.unused),
            "suggestions": {one.field: one.rule for one in self.explanation.suggestions},
        }

    def as_text(self) -> str:
        """Return everything for a person, most needed first; a long value is cut."""
        parts = [
            ("Not understood", [plain_line(f"{error['field']}: {error['message']}") for error in self.errors]),
            ("Fed", [_line(row) for row in self._fed()]),
            ("Parameters that feed no field", [plain_line(name) for name in self.explanation.unused]),
            (
                f"Suggestions for config.toml, in its table [sources.{self.source}.fields]",
                [one.as_toml() for one in self.explanation.suggestions],
            ),
            ("Notes", [plain_line(note) for note in self.notes]),
        ]
        head = f"Understood: {self.decided}" if self.decided else "Not understood yet: parked"
        if self.is_held_back:
            head += f"{', and parked' if self.decided else ''} because it may be incomplete"
        sections = [[f"\n{title}:", *(f"  {line}" for line in lines)] for title, lines in parts if lines]
        return "\n".join([head, *(line for section in sections for line in section)])

    def _fed(self) -> list[Explained]:
        return [row for row in self.explanation.rows if row.value]


def _line(row: Explained) -> str:
    origin = ", ".join(row.parameters) or "the mapping"
    return plain_line(f"{row.field} = {cut(row.value, _LONGEST_SHOWN)!r} from {origin}")


def explain_fields(fields: Fields, mapping: Mapping | None, received_at: datetime, source: str = DEFAULT) -> Reading:
    """Explain decoded fields as they're kept: without secrets and card data."""
    reading = read(fields, mapping, received_at)
    explanation = explain(fields, mapping)
    if isinstance(reading, NotUnderstood):
        errors = [{"field": error.field, "message": error.message} for error in reading.errors]
        return Reading(explanation, None, errors, [], source)
    return Reading(explanation, reading.decided, [], list(reading.order.notes), source)


def explain_receipt(session: Session, receipt: str, sources: Sources) -> Reading:
    """Explain a recorded order with today's mapping.

    Raises NotThere, and ConfigurationError once it was emptied and while the mapping itself is wrong.
    """
    row = order_queries.find_by_either(session, receipt)
    if row.body is not None:
        return Reading(Explanation((), (), ()), None, json.loads(row.errors or "[]"), json.loads(row.notes), row.source)
    if row.fields == "[]" and row.state != "parked":
        raise NotPossible(f"{row.receipt} no longer has personal data, so there's nothing to explain.")
    sources.check_file()
    source = sources.get(row.source)
    reading = explain_fields(fields_of(row.fields), source.mapping, row.received_at, row.source)
    note = _why_held_back(session, row, source) if row.may_be_cut and row.state == "parked" else None
    return replace(reading, notes=[note, *reading.notes], is_held_back=True) if note else reading


def _why_held_back(session: Session, row: OrderRow, source: Source) -> str | None:
    """Return why a form that may be incomplete doesn't run, and how to run it."""
    if reason := second_orders.in_the_way(session, row, source.mapping):
        return f"{reason.field} {reason.message}"
    if source.accepts_chunked_forms:
        return None
    accept = f"flask orders replay {row.receipt} --accept-incomplete"
    return f"{MAY_BE_INCOMPLETE.field} {MAY_BE_INCOMPLETE.message}: {accept}"


def explain_file(
    file: BinaryIO, sources: Sources, source: str | None, keyring: Keyring, limits: Limits, *, number: int = 1
) -> Reading:
    """Explain a saved body: the only one in a file, or the one with this number, as `saved_bodies` reads them.

    Raises NotThere if the file holds fewer, and ReceiverError when it can't be decoded.
    """
    sources.check_file()
    found = sources.get(source or DEFAULT)
    body = next(islice(saved_bodies(file, found.mapping, limits, found.columns), number - 1, None), None)
    if body is None:
        raise NotThere(f"There's no body number {number} in this file.")
    if body.error is not None:
        raise body.error
    fields = keyring.redact(body.fields or [])
    return explain_fields(guard(fields).masked, found.mapping, datetime.now(UTC), found.name)
