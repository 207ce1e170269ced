"""Add a source to the database, change its secrets, remove it. A source of config.toml is changed there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.security import encryption, signing
from receiver.security.secret_strength import refuse_weak
from receiver.sources import saved_options, table_text, tables
from receiver.sources.guide import Guide
from receiver.sources.kinds import Kinds
from receiver.sources.source import Source
from receiver.storage.models import SavedSourceRow, SecretRow

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
#: The name of their rows among the secrets.
_ROW = "source"


def check_name(name: str, taken: Collection[str]) -> None:
    """Raise ConfigurationError for a name that can't be the end of an address, or that another source has."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "The name ends the address: use small letters, digits, - and _, at most 40, such as my-shop."
        )
    if name in taken:
        raise NotPossible(f"There's a source {name} already. Choose another name.")


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that's free: the one wanted if it can be a name, or with a number."""
    wanted = wanted if _NAME.fullmatch(wanted) else "my-shop"
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def add(
    session: Session,
    name: str,
    table: Mapping[str, Any],
    secret: str,
    *,
    taken: Collection[str],
    kinds: Kinds,
    secret_key: str,
    now: datetime,
) -> str:
    """Save a source with its first secret, and return that one's fingerprint.

    The table is as in config.toml, without secrets. Raises ConfigurationError for what can't be a source.
    """
    check_name(name, taken)
    source = _checked(name, table, secret, kinds)
    if session.get(SavedSourceRow, name) is not None:
        raise NotPossible(f"There's a source {name} already. Choose another name.")
    session.add(SavedSourceRow(name=name, settings=json.dumps(dict(table), ensure_ascii=False), created_at=now))
    return _store(session, name, source.secrets[0], secret_key, now)


def add_secret(
    session: Session, name: str, secret: str, *, kinds: Kinds, secret_key: str, now: datetime, overlap: timedelta
) -> str:
    """Save a new secret of a source and return its fingerprint; those before hold for the overlap, and no longer.

    Raises NotThere for a source that isn't saved, and ConfigurationError for an unusable secret.
    """
    row = _row(session, name)
    cleaned = _checked(name, json.loads(row.settings), secret, kinds).secrets[0]
    mark = signing.fingerprint(cleaned)
    active = _active(session, name, now)
    if any(one.fingerprint == mark and encryption.decrypted(secret_key, one.ciphertext) for one in active):
        raise NotPossible(f"The secret {mark} is active already.")
    for one in active:
        one.ends_at = min(one.ends_at or now + overlap, now + overlap)
    return _store(session, name, cleaned, secret_key, now)


def change(session: Session, name: str, text: str, *, secrets: Collection[str], kinds: Kinds, now: datetime) -> None:
    """Save what a source's table holds besides its kind and secrets, as in config.toml; the rules of its mapping too.

    Raises NotThere, and ConfigurationError for what can't be, also with the secrets that it has.
    """
    row = _row(session, name)
    before, table = json.loads(row.settings), table_text.table_of(text, name)
    fields = table.pop("fields", {})
    table = {**({"kind": before["kind"]} if "kind" in before else {}), **table}
    tables.source_of(name, {**table, "fields": fields, "secrets": list(secrets)}, kinds)
    try:
        row.settings = json.dumps(table, ensure_ascii=False)
        saved_options.replace_rules(session, name, fields, now)
    except TypeError as error:  # TOML has dates
        raise ConfigurationError("A date can't be a setting here; write it in quotation marks.") from error


def table_of(session: Session, name: str) -> dict[str, Any]:
    """Return the table of a saved source, without its secrets and rules; raises NotThere."""
    table: dict[str, Any] = json.loads(_row(session, name).settings)
    return table


def end_secret(session: Session, name: str, fingerprint: str, *, now: datetime) -> None:
    """End a secret of a source at once; raises NotThere when it has no such active one."""
    active = [one for one in _active(session, name, now) if one.fingerprint == fingerprint]
    if not active:
        raise NotThere(f"{name[:40]} has no active secret with the fingerprint {fingerprint[:64]}.")
    for one in active:
        one.ends_at = now


def remove(session: Session, name: str) -> None:
    """Remove a source and its secrets; its orders, mapping and answers stay. Raises NotThere."""
    session.delete(_row(session, name))
    session.execute(delete(SecretRow).where(SecretRow.source == name))


def secrets_of(session: Session, name: str) -> list[SecretRow]:
    """Return the rows of a source's secrets, newest first."""
    return list(session.scalars(select(SecretRow).where(SecretRow.source == name).order_by(SecretRow.id.desc())))


def _checked(name: str, table: Mapping[str, Any], secret: str, kinds: Kinds) -> Source:
    """Return the source with this secret; raises ConfigurationError for what can't be, and a secret easily guessed."""
    source = tables.source_of(name, {**table, "secrets": [secret]}, kinds)
    guide: Guide | None = source.guide
    if guide is None or guide.is_chosen:
        refuse_weak(source.secrets[0])
    return source


def _row(session: Session, name: str) -> SavedSourceRow:
    row = session.get(SavedSourceRow, name)
    if row is None:
        raise NotThere(f"No source {name[:40]} was added in the console; one of config.toml is changed there.")
    return row


def _active(session: Session, name: str, now: datetime) -> list[SecretRow]:
    return [one for one in secrets_of(session, name) if one.ends_at is None or one.ends_at > now]


def _store(session: Session, name: str, secret: str, secret_key: str, now: datetime) -> str:
    mark = signing.fingerprint(secret)
    ciphertext = encryption.encrypted(secret_key, secret)
    session.add(
        SecretRow(name=_ROW, ciphertext=ciphertext, fingerprint=mark, created_at=now, accepts=False, source=name)
    )
    return mark
