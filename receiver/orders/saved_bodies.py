"""Read a file of saved bodies one by one: a list or lines of JSON, lines of forms, a CSV export, or a single body."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Table
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from receiver.errors import ReceiverError, TooLarge
from receiver.orders import csv_orders, json_lists
from receiver.orders.body_kinds import STARTS_A_FORM
from receiver.orders.decoding import decode
from receiver.orders.files import content_type_of
from receiver.orders.mapping import Mapping
from receiver.orders.names import Fields

#: Bytes by which a file's kind is known.
_HEAD = 65_536
_BOM = b"\xef\xbb\xbf"
_OF_FORMS = "application/x-www-form-urlencoded"


class Saved(NamedTuple):
    """One body of a file, or why it can't be read."""

    #: Where it is, such as ``line 7``; empty if it's the whole file.
    place: str
    #: None if it can't be read.
    fields: Fields | None
    notes: tuple[str, ...] = ()
    media_type: str = ""
    error: ReceiverError | None = None


class Limits(NamedTuple):
    """The most that one body may have."""

    bytes: int
    fields: int


def saved_bodies(
    file: BinaryIO, mapping: Mapping | None, limits: Limits, columns: Table[str, str] = MappingProxyType({})
) -> Iterator[Saved]:
    """Yield the bodies of a file that can be sought in, so that a long one needs little memory.

    A body is JSON, a form, XML or multipart. Several are a JSON list, an object whose ``orders`` is a list, or one
    JSON object or form in each line. A CSV file is read by `csv_orders.read`, to which ``columns`` are the names.
    """
    file.seek(0)
    head = file.read(_HEAD).removeprefix(_BOM).lstrip()
    file.seek(0)
    if json_lists.BEGIN.match(head.decode("latin-1")):
        yield from _of_list(file, limits)
    elif STARTS_A_FORM.match(head) or _are_lines_of_json(head):
        yield from _of_lines(file, limits)
    elif csv_orders.is_csv(head):
        for place, found in csv_orders.read(_lines(file, limits.bytes), mapping, columns, limits.fields):
            wrong = found if isinstance(found, ReceiverError) else None
            yield Saved(place, found if isinstance(found, list) else None, (), "text/csv", wrong)
    elif head:
        yield _read("", file.read(limits.bytes + 1).strip(), limits)


def _are_lines_of_json(head: bytes) -> bool:
    """Return whether there's one line, or the first two both begin an object and one of them ends it."""
    lines = [line.strip() for line in head.splitlines() if line.strip()][:2]
    is_whole = len(lines) == 1 or any(line.endswith(b"}") for line in lines)
    return is_whole and all(line.startswith(b"{") for line in lines)


def _of_list(file: BinaryIO, limits: Limits) -> Iterator[Saved]:
    number = 0
    try:
        for number, text in enumerate(json_lists.elements(file, limits.bytes), 1):
            yield _read(f"order {number}", text.encode(), limits)
    except ReceiverError as error:
        yield Saved(f"order {number + 1}", None, error=error)


def _of_lines(file: BinaryIO, limits: Limits) -> Iterator[Saved]:
    for number, line in enumerate(_lines(file, limits.bytes), 1):
        if line is None:
            yield _too_large(f"line {number}", limits)
        elif line.strip():
            yield _read(f"line {number}", line.strip(), limits)


def _lines(file: BinaryIO, most: int) -> Iterator[bytes | None]:
    """Yield the lines, without a byte order mark before them; None for one that's longer than ``most`` bytes."""
    file.seek(len(_BOM) if file.read(len(_BOM)) == _BOM else 0)
    while line := file.readline(most + 1):
        if len(line) <= most or line.endswith(b"\n"):
            yield line
            continue
        yield None
        while line and not line.endswith(b"\n"):
            line = file.readline(most)


def _read(place: str, raw: bytes, limits: Limits) -> Saved:
    if len(raw) > limits.bytes:
        return _too_large(place, limits)
    content_type = content_type_of(raw)
    try:
        # Nothing says that it's a form, so it has to look like one.
        is_unknown = content_type == _OF_FORMS and not STARTS_A_FORM.match(raw)
        decoded = decode(raw, None if is_unknown else content_type, limits.fields)
    except ReceiverError as error:
        return Saved(place, None, error=error)
    return Saved(place, decoded.fields, decoded.notes, content_type.partition(";")[0])


def _too_large(place: str, limits: Limits) -> Saved:
    return Saved(place, None, error=TooLarge(f"The body is larger than MAX_BODY_BYTES, {limits.bytes} bytes."))
