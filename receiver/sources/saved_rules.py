"""The rules of the mapping that are kept in the database: read, checked and saved, removed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from receiver import orders
from receiver.errors import ConfigurationError, Unavailable
from receiver.storage import sqlite
from receiver.storage.database import Database
from receiver.storage.models import MappedFieldRow

#: One rule as it is stored: source, field, JSON of a form that config.toml takes.
Stored = tuple[str, str, str]

log = logging.getLogger(__name__)


def read_stored(database: Database) -> list[Stored]:
    """Read all rules, which are few; raises Unavailable when the database cannot be read."""
    columns = select(MappedFieldRow.source, MappedFieldRow.field, MappedFieldRow.rule)
    try:
        with database.read() as session:
            return [(source, field, rule) for source, field, rule in session.execute(columns)]
    except (SQLAlchemyError, sqlite.driver.Error) as error:
        raise Unavailable("The mapping cannot be read from the database.") from error


def by_source(stored: Iterable[Stored]) -> dict[str, dict[str, Any]]:
    """Return each source's table of rules; one that does not pass the checks is logged and left out."""
    tables: dict[str, dict[str, Any]] = {}
    for source, field, text in stored:
        try:
            rule = json.loads(text)
            orders.Mapping.from_table({field: rule})
        except (ValueError, ConfigurationError) as error:
            log.error("A saved rule of the source %s is left out: %s", source, error)
        else:
            tables.setdefault(source, {})[field] = rule
    return tables


def save(session: Session, source: str, rules: Mapping[str, Any], now: datetime) -> None:
    """Save rules by field, in the place of those that were saved for these fields.

    Raises ConfigurationError that names the first wrong one; then none is saved.
    """
    orders.Mapping.from_table(dict(rules))
    for field, rule in rules.items():
        text = json.dumps(rule, ensure_ascii=False)
        session.merge(MappedFieldRow(source=source, field=field, rule=text, changed_at=now))


def remove(session: Session, source: str, fields: Iterable[str]) -> None:
    """Remove what is saved for these fields of a source."""
    mine = (MappedFieldRow.source == source, MappedFieldRow.field.in_(list(fields)))
    session.execute(delete(MappedFieldRow).where(*mine))
