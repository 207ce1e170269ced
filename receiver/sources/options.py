"""The options of sources that are kept in the database: read, saved."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from receiver.errors import Unavailable
from receiver.storage import sqlite
from receiver.storage.database import Database
from receiver.storage.models import SourceOptionRow

#: Take a form for whole where neither a length nor the server shows that it is.
ACCEPT_CHUNKED_FORMS = "accept_chunked_forms"

#: One option as it is stored: source, option, JSON of its value.
Stored = tuple[str, str, str]


def read_stored(database: Database) -> list[Stored]:
    """Read all options, which are few; raises Unavailable when the database cannot be read."""
    columns = select(SourceOptionRow.source, SourceOptionRow.option, SourceOptionRow.value)
    try:
        with database.read() as session:
            return [(source, option, value) for source, option, value in session.execute(columns)]
    except (SQLAlchemyError, sqlite.driver.Error) as error:
        raise Unavailable("The options of the sources cannot be read from the database.") from error


def accepting(stored: Iterable[Stored]) -> set[str]:
    """Return the names of the sources whose chunked forms are accepted."""
    return {source for source, option, value in stored if (option, value) == (ACCEPT_CHUNKED_FORMS, "true")}


def accept_chunked_forms(session: Session, source: str, *, accepted: bool, now: datetime) -> None:
    """Save whether chunked forms of a source are accepted."""
    session.merge(
        SourceOptionRow(source=source, option=ACCEPT_CHUNKED_FORMS, value=json.dumps(accepted), changed_at=now)
    )
