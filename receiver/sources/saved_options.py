"""What the database holds of sources: rules of their mapping, their options, and the sources that were added there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from receiver import orders
from receiver.errors import ConfigurationError
from receiver.storage.database import Database
from receiver.storage.models import MappedFieldRow, SavedSourceRow, SecretRow, SourceOptionRow

#: Accept a form as whole where neither a length nor the server shows that it is.
ACCEPT_CHUNKED_FORMS = "accept_chunked_forms"

#: One row: the source, the field of a rule or the name of an option, and JSON of its value.
Stored = tuple[str, str, str]

log = logging.getLogger(__name__)


class Saved(NamedTuple):
    """All that's saved of sources, as it's stored; a rule has a form that config.toml takes."""

    rules: list[Stored]
    options: list[Stored]
    #: Name and table of each source that was added; and the ciphertexts of the secrets that hold now, newest first.
    sources: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()


def read(database: Database) -> Saved:
    """Read everything, which isn't much; raises Unavailable when the database can't be read."""
    rules = select(MappedFieldRow.source, MappedFieldRow.field, MappedFieldRow.rule)
    options = select(SourceOptionRow.source, SourceOptionRow.option, SourceOptionRow.value)
    sources = select(SavedSourceRow.name, SavedSourceRow.settings).order_by(SavedSourceRow.name)
    holds = or_(SecretRow.ends_at.is_(None), SecretRow.ends_at > datetime.now(UTC))
    secrets = select(SecretRow.source, SecretRow.ciphertext).where(SecretRow.source.is_not(None), holds)
    with database.read() as session:
        return Saved(
            [(source, field, rule) for source, field, rule in session.execute(rules)],
            [(source, option, value) for source, option, value in session.execute(options)],
            tuple((name, table) for name, table in session.execute(sources)),
            tuple((name or "", text) for name, text in session.execute(secrets.order_by(SecretRow.id.desc()))),
        )


def accepting(options: Iterable[Stored]) -> set[str]:
    """Return the names of the sources whose chunked forms are accepted."""
    return {source for source, option, value in options if (option, value) == (ACCEPT_CHUNKED_FORMS, "true")}


def accept_chunked_forms(session: Session, source: str, *, accepted: bool, now: datetime) -> None:
    """Save whether chunked forms of a source are accepted."""
    session.merge(
        SourceOptionRow(source=source, option=ACCEPT_CHUNKED_FORMS, value=json.dumps(accepted), changed_at=now)
    )


def by_source(rules: Iterable[Stored]) -> dict[str, dict[str, Any]]:
    """Return each source's table of rules; one that fails the checks is logged and left out."""
    tables: dict[str, dict[str, Any]] = {}
    for source, field, text in rules:
        try:
            rule = json.loads(text)
            orders.Mapping.from_table({field: rule})
        except (ValueError, ConfigurationError) as error:
            log.error("A saved rule of the source %s is left out: %s", source, error)
        else:
            tables.setdefault(source, {})[field] = rule
    return tables


def save_rules(session: Session, source: str, rules: Mapping[str, Any], now: datetime) -> None:
    """Save rules by field, in the place of those that were saved for these fields.

    Raises ConfigurationError that names the first wrong one; then none is saved.
    """
    orders.Mapping.from_table(dict(rules))
    for field, rule in rules.items():
        text = json.dumps(rule, ensure_ascii=False)
        session.merge(MappedFieldRow(source=source, field=field, rule=text, changed_at=now))


def replace_rules(session: Session, source: str, rules: Mapping[str, Any], now: datetime) -> None:
    """Save these rules of a source, and no others; raises ConfigurationError, and then nothing has changed."""
    others = (MappedFieldRow.source == source, MappedFieldRow.field.not_in(list(rules)))
    save_rules(session, source, rules, now)
    session.execute(delete(MappedFieldRow).where(*others))


def remove_rules(session: Session, source: str, fields: Iterable[str]) -> None:
    """Remove what is saved for these fields of a source."""
    mine = (MappedFieldRow.source == source, MappedFieldRow.field.in_(list(fields)))
    session.execute(delete(MappedFieldRow).where(*mine))
