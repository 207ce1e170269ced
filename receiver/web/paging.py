"""Long lists: their filters, and pages that each begin below the id that ended the one before."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session

from receiver.storage.pages import SIZE, Row


def before() -> int | None:
    """Return the id that the page begins below; None for the first page, and for what isn't an id."""
    return whole_number(request.args, "before")


def whole_number(values: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of a form or an address, None for anything else."""
    text = values.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None


def filtered(name: str, known: Collection[str]) -> str:
    """Return the value of a filter that the address names; "" for none, and for an unknown one."""
    wanted = request.args.get(name, "")
    return wanted if wanted in known else ""


def filter_links(name: str, labels: Mapping[str, str], **others: str) -> list[tuple[str, str, bool]]:
    """Return a link for each value of a filter: its label, its address, and whether it's the current one.

    The links keep the list's ``others``, which are its other filters.
    """
    current = filtered(name, labels)
    return [(label, address(**others, **{name: value}), value == current) for value, label in labels.items()]


def one_page(session: Session, statement: Select[Row], **filters: str) -> tuple[Sequence[Row], dict[str, str | None]]:
    """Read one page of a list, and return it with the links to the first and the next page, which keep the filters."""
    rows = session.scalars(statement.limit(SIZE + 1)).all()
    page = rows[:SIZE]
    return page, {
        "newer": address(**filters) if before() is not None else None,
        "older": address(**filters, before=page[-1].id) if len(rows) > SIZE else None,
    }


def address(**values: Any) -> str:
    """Return the address of the list shown, with these filters; empty ones are left out."""
    return url_for(request.endpoint or "", **{name: value for name, value in values.items() if value})
