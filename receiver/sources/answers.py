"""What the merchant answered about the POSTs of a source, once for all: options that the database holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from receiver.orders.states import normalised
from receiver.storage.models import SourceOptionRow

#: How the option of a state's word begins, and that of a question whose answer is: these are no orders.
_STATE, _NO_ORDERS = "state:", "no-orders:"
_ONLY_PAID = "only_paid"


class Answers(NamedTuple):
    """The answers about one source."""

    #: Normalised word of a state -> whether it means paid.
    states: Mapping[str, bool] = {}
    #: Questions of parked orders that are no orders -> the receipt of one that asked it.
    no_orders: Mapping[str, str] = {}
    #: Whether the shop sends only paid orders, where nothing in them says so.
    only_paid: bool = False


NONE = Answers()


def by_source(options: Iterable[tuple[str, str, str]]) -> dict[str, Answers]:
    """Return each source's answers, out of rows of source, option and value."""
    found: dict[str, Answers] = {}
    for source, option, value in options:
        before = found.get(source, NONE)
        if option.startswith(_STATE) and value in ("true", "false"):
            states = {**before.states, option.removeprefix(_STATE): value == "true"}
            found[source] = before._replace(states=states)
        elif option == _ONLY_PAID:
            found[source] = before._replace(only_paid=value == "true")
        elif option.startswith(_NO_ORDERS):
            no_orders = {**before.no_orders, option.removeprefix(_NO_ORDERS): value.strip('"')}
            found[source] = before._replace(no_orders=no_orders)
    return found


def save_state(session: Session, source: str, word: str, *, is_paid: bool, now: datetime) -> None:
    """Save what a word of a state means for all orders of a source."""
    _save(session, source, _STATE + normalised(word), now, value=is_paid)


def save_no_orders(session: Session, source: str, question: str, *, receipt: str, now: datetime) -> None:
    """Save that whatever asks this question is no order, as the one with this receipt does."""
    _save(session, source, _NO_ORDERS + question, now, value=receipt)


def save_only_paid(session: Session, source: str, *, is_so: bool, now: datetime) -> None:
    """Save whether a source sends only paid orders."""
    _save(session, source, _ONLY_PAID, now, value=is_so)


def forget_state(session: Session, source: str, word: str) -> None:
    """Take back what was answered about a word of a state."""
    _forget(session, source, _STATE + normalised(word))


def forget_no_orders(session: Session, source: str, question: str) -> None:
    """Take back that whatever asks this question is no order."""
    _forget(session, source, _NO_ORDERS + question)


def _save(session: Session, source: str, option: str, now: datetime, *, value: bool | str) -> None:
    session.merge(SourceOptionRow(source=source, option=option, value=json.dumps(value), changed_at=now))


def _forget(session: Session, source: str, option: str) -> None:
    mine = (SourceOptionRow.source == source, SourceOptionRow.option == option)
    session.execute(delete(SourceOptionRow).where(*mine))
