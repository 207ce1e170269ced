"""How a long list is read in pages: each begins below the id that ended the one before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session

from receiver.storage.pages import SIZE, Row


def before() -> int | None:
    """Return the id that the page asked for begins below; None for the first page, and for what is no id."""
    return whole_number(request.args, "before")


def whole_number(values: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of a form or an address, None for anything else."""
    text = values.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None


def filtered(name: str, known: Sequence[str]) -> str:
    """Return the filter that the address names; "" for none, and for one that is not known."""
    wanted = request.args.get(name, "")
    return wanted if wanted in known else ""


def one_page(session: Session, statement: Select[Row], **filters: str) -> tuple[Sequence[Row], dict[str, str | None]]:
    """Read one page of a list and make the links to its neighbours, which keep the filters."""
    rows = session.scalars(statement.limit(SIZE + 1)).all()
    page = rows[:SIZE]
    kept: dict[str, Any] = {name: value for name, value in filters.items() if value}
    endpoint = request.endpoint or ""
    return page, {
        "newer": url_for(endpoint, **kept) if before() is not None else None,
        "older": url_for(endpoint, **kept, before=page[-1].id) if len(rows) > SIZE else None,
    }
