"""Find orders by what's on them: the newest whose text holds all the words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from receiver.orders.folding import folded
from receiver.storage.columns import table_of
from receiver.storage.models import OrderRow, SearchRow
from receiver.storage.search import trigrams
from receiver.storage.search.text import read

_RECEIPT = re.compile(r"rcp_([0-9]{1,18})")
#: Words that are looked for: each costs a look of its own.
_MOST_WORDS = 10
#: Orders whose texts are read one by one, if that many meet the conditions.
_MOST_TEXTS = 10_000
#: The newest orders that the worker hasn't written into the index yet, which are read one by one.
_MOST_READ = 100


def ids(
    session: Session, words: str, *conditions: ColumnElement[bool], most: int, before: int | None = None
) -> Sequence[int]:
    """Return the ids of the orders that hold all words and meet the conditions: the newest ones below an id.

    A whole receipt finds its order alone.
    """
    meets = (*conditions, OrderRow.id < before) if before is not None else conditions
    if match := _RECEIPT.fullmatch(words.strip()):
        return session.scalars(select(OrderRow.id).where(OrderRow.id == int(match[1]), *meets)).all()
    parts = _parts(words)
    if not parts:
        return []
    found = _in_index(session, parts, before, *conditions)
    return [*_not_in_index(session, parts, *meets), *session.scalars(found.limit(most))][:most]


def forget(session: Session, pks: Sequence[int]) -> None:
    """Take the texts of these orders out of the index: they say something else now, which the worker writes."""
    session.execute(update(SearchRow).where(SearchRow.id.in_(pks)).values(text=None))


def _parts(words: str) -> list[str]:
    """Return what a text must hold: the words, or if all are short, lines that begin with two letters or are one."""
    found = folded(words).split()[:_MOST_WORDS]
    if any(len(word) >= trigrams.LETTERS for word in found):
        return found
    return [f"\n{word}" if len(word) > 1 else f"\n{word}\n" for word in found]


def _in_index(
    session: Session, parts: Sequence[str], before: int | None, *conditions: ColumnElement[bool]
) -> Select[int]:
    """Select the ids in the order of the index, so that the first ones are there before the last ones are found.

    Where the conditions leave few orders, their texts are read instead: a word may stand in nearly all others.
    """
    few = _few(session, *conditions) if conditions else None
    texts = table_of(SearchRow).c
    index = trigrams.index(session) if few is None else trigrams.Index(texts.id, texts.text)
    found = select(index.id).where(*(index.text.like(f"%{part}%") for part in parts)).order_by(index.id.desc())
    found = found if before is None else found.where(index.id < before)
    if few is not None:
        return found.where(index.id.in_(few))
    return found.join(OrderRow, OrderRow.id == index.id).where(*conditions) if conditions else found


def _few(session: Session, *conditions: ColumnElement[bool]) -> Sequence[int] | None:
    found = session.scalars(select(OrderRow.id).where(*conditions).limit(_MOST_TEXTS + 1)).all()
    return found if len(found) <= _MOST_TEXTS else None


def _not_in_index(session: Session, parts: Sequence[str], *conditions: ColumnElement[bool]) -> list[int]:
    last = session.scalar(select(func.max(SearchRow.id))) or 0
    newest = select(OrderRow.id).where(OrderRow.id > last).order_by(OrderRow.id.desc()).limit(_MOST_READ)
    hold = [
        pk for pk, text in read(session, session.scalars(newest).all()).items() if all(one in text for one in parts)
    ]
    meet = select(OrderRow.id).where(OrderRow.id.in_(hold), *conditions).order_by(OrderRow.id.desc())
    return list(session.scalars(meet)) if hold else []
