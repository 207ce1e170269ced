"""What the merchant is emailed about parked orders: an alert for each source and what isn't known."""

from __future__ import annotations

import shlex
from datetime import datetime

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.intake import parked_groups
from receiver.intake.parked_groups import Group
from receiver.mail.notices import Trouble
from receiver.mail.text_layout import plain_line
from receiver.orders.states import normalised
from receiver.storage.models import OrderRow

#: Groups that are alerted about, those with the newest orders first.
_MOST = 20
# Written out, so that SQLite uses the index of parked orders by source and question.
_IS_PARKED = sql("state = 'parked'")
#: Tests are nobody's orders; what may have been cut has an alert of its own, once the whole of it is overdue.
_WAIT = OrderRow.test.is_(False), OrderRow.may_be_cut.is_(False)


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return an alert for each group of parked orders, unless all of them are tests or held back."""
    groups = [(group, _newest(session, group)) for group in parked_groups.all_groups(session, _MOST)]
    return [_alert(group, newest, now) for group, newest in groups if newest is not None]


def _newest(session: Session, group: Group) -> int | None:
    """Return the id of a group's newest order that somebody waits for."""
    # A query for each group, as an index finds its end at once; to count them all, every row would be looked at.
    waiting = select(OrderRow.id).where(_IS_PARKED, *parked_groups.asking(group.source, group.question), *_WAIT)
    return session.scalar(waiting.order_by(OrderRow.id.desc()).limit(1))


def _alert(group: Group, newest: int, now: datetime) -> Trouble:
    number, age = group.seen.number, group.seen.age(now)
    orders = "1 order waits" if number == 1 else f"{number} orders wait"
    return Trouble.found(
        "order_parked",
        newest,
        f"We couldn't read {'an order' if number == 1 else 'orders'} from {group.source}",
        f"{orders} for this, the oldest for {age}: {_question(group)}",
        *_what_to_do(group),
        "Nothing is lost: no handler has run on what's parked.",
        about=group.anchor,
        path=f"parked?group={group.anchor}",
    )


def _question(group: Group) -> str:
    if group.word is not None:
        return plain_line(f"does “{group.word}” in {group.field} mean paid?")
    may_be = "they may be no orders; " if group.may_be_no_orders else ""
    return plain_line(f"{may_be}{group.field} {group.message}")


def _typed(word: str) -> str:
    """Return a word as the command takes it: its spellings are one, and nothing in it is the shell's."""
    return shlex.quote(normalised(word))


def _what_to_do(group: Group) -> tuple[str, ...]:
    if group.word is not None:
        return (
            "Answer it once, in the console under Received → Parked, for these and all later ones.",
            plain_line(f"Or in a terminal: flask sources state {group.source} {_typed(group.word)} paid|unpaid"),
        )
    if not group.can_be_mapped:
        return ("See the body in the console under Received → Parked, and fix what's wrong with it at the sender.",)
    no_orders = ", or say that these are no orders" if group.may_be_no_orders else ""
    return (
        f"Map the parameters in the console under Received → Parked{no_orders}: for these and all later ones.",
        f"Or in a terminal: flask orders explain {group.receipt}, edit config.toml, flask orders replay --parked",
    )
