"""The answers of the description: what each delivery can come to, and each problem, by its status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException

from receiver.errors import ReceiverError
from receiver.intake.received import STATUSES
from receiver.web.problems import TYPE, slug_of

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
#: Statuses of what passes by itself.
_PASSES = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before the next try.", "schema": _NUMBER}}


def problems() -> Iterator[type[ReceiverError]]:
    """Yield every error that a delivery can end in."""
    yield from (kind for kind in _below(ReceiverError) if kind.status >= HTTPStatus.BAD_REQUEST)


def _below(kind: type[ReceiverError]) -> Iterator[type[ReceiverError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def of_problems(kinds: Iterable[type[ReceiverError]], *more: type[HTTPException]) -> dict[str, Any]:
    """Return the answers that are problems, by status: errors of ours, and of HTTP's own."""
    by_status: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for kind in kinds:
        by_status[kind.status].append((kind.slug, kind.title))
    for error in (one() for one in more):
        by_status[error.code or HTTPStatus.INTERNAL_SERVER_ERROR].append((slug_of(error), error.name))
    return {str(status): _of_one_status(status, found) for status, found in sorted(by_status.items())}


def _of_one_status(status: int, found: list[tuple[str, str]]) -> dict[str, Any]:
    titles = _once(title for _, title in found)
    fields = {
        "type": _TEXT | {"enum": _once(TYPE + slug for slug, _ in found)},
        "title": _TEXT | {"enum": titles},
        "status": {"const": status},
        "detail": _TEXT | {"description": "What to do, without any value that was sent."},
    }
    schema = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    answer = {"description": f"{'; '.join(titles)}.", "content": {"application/problem+json": {"schema": schema}}}
    return answer | ({"headers": _RETRY_AFTER} if status in _PASSES else {})


def _once(texts: Iterable[str]) -> list[str]:
    """Return texts in their order, each once: several errors may be one problem to the sender."""
    return list(dict.fromkeys(texts))


def of_deliveries() -> dict[str, Any]:
    """Return the answers to deliveries that aren't refused, by status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for word, status in STATUSES.items():
        by_status[status].append(word)
    found = {str(status): of_json(", ".join(words), _delivery(words)) for status, words in sorted(by_status.items())}
    # A shop may want other words than ours; its source says which, and they're always 200.
    found["200"]["content"]["text/plain"] = {"schema": _TEXT}
    return found


def _delivery(words: list[str]) -> dict[str, Any]:
    fields = {
        "status": _TEXT | {"enum": words},
        "receipt": _TEXT | {"description": "The id that the delivery is kept under."},
        "order_id": _TEXT,
    }
    if "parked" in words:
        fields["errors"] = _list_of("Why the order is parked, without any value that was sent.", "field", "message")
    if "tested" in words:
        fields["handlers"] = _list_of("What each handler did with a test order.", "name", "state")
    return {"type": "object", "properties": fields, "required": ["status"], "additionalProperties": False}


def _list_of(description: str, *names: str) -> dict[str, Any]:
    item = {"type": "object", "properties": dict.fromkeys(names, _TEXT), "required": [*names]}
    return {"type": "array", "description": description, "items": item}


def of_json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in JSON."""
    return {"description": f"{description}.", "content": {"application/json": {"schema": schema}}}


def of_text(description: str, *media_types: str) -> dict[str, Any]:
    """Return an answer in words for people, or for another program."""
    return {"description": description, "content": {one: {"schema": _TEXT} for one in media_types}}


def word(text: str) -> dict[str, Any]:
    """Return the schema of an object whose status is always this word."""
    return {
        "type": "object",
        "properties": {"status": {"const": text}},
        "required": ["status"],
        "additionalProperties": False,
    }
