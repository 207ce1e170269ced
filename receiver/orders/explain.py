"""Explain which parameter fed which field, for the merchant who makes a mapping."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.orders.mapping import Mapping
from receiver.orders.names import KINDS, Fields, json_path, target_of
from receiver.orders.suggestion import Suggestion
from receiver.orders.suggestions import suggest


@dataclass(frozen=True)
class Explained:
    """One field of an order, and what fed it."""

    #: JSON path, such as ``items[0].name``.
    field: str
    #: Names as the sender wrote them; empty for a constant of the mapping, and when nothing fed the field.
    parameters: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Explanation:
    """What a mapping makes of one body."""

    rows: tuple[Explained, ...]
    #: Parameters that fed no field.
    unused: tuple[str, ...]
    #: Rules that might be meant.
    suggestions: tuple[Suggestion, ...]


def explain(fields: Fields, mapping: Mapping | None) -> Explanation:
    """Explain which parameter filled which field and which are unused, with suggestions."""
    applied, rest = (mapping or Mapping(())).apply(fields)
    readings = [reading for reading in applied if reading.value.strip()]
    fed = {reading.place.slot for reading in readings}
    sent = {name for name, value in fields if value.strip()}
    rows = [
        Explained(json_path(place), (name,) if name in sent else (), value.strip()) for place, name, value in readings
    ]
    rows.sort(key=lambda row: row.field.startswith("items"))
    rows += [Explained(target_of(slot), (), "") for slot in KINDS if slot not in fed]
    unused = tuple(dict.fromkeys(name for name, _ in rest))
    return Explanation(tuple(rows), unused, suggest(fields, readings, rest, mapping.rows if mapping else None))
