"""What the merchant is told about parked orders: each by an alert, and each question as a problem."""

from __future__ import annotations

import re
import shlex
from datetime import datetime

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.intake import parked_groups
from receiver.intake.parked_groups import Group
from receiver.mail.alerts import Alert, CaseKind
from receiver.mail.notices import Trouble
from receiver.mail.text_layout import plain_line
from receiver.orders.states import normalised
from receiver.storage.clock import utc_now
from receiver.storage.models import OrderRow

#: Groups that are alerted about, those with the newest orders first.
_MOST = 20
# Written out, so that SQLite uses the index of parked orders by source and question.
_IS_PARKED = sql("orders.state = 'parked'")
#: Tests are nobody's orders; what may have been cut has an alert of its own, once the whole of it is overdue.
_WAIT = OrderRow.test.is_(False), OrderRow.may_be_cut.is_(False)


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return a problem for each group of parked orders, unless all of them are tests or held back."""
    groups = [(group, _newest(session, group)) for group in parked_groups.all_groups(session, _MOST)]
    return [_trouble(group, newest, now) for group, newest in groups if newest is not None]


def _newest(session: Session, group: Group) -> int | None:
    """Return the id of a group's newest order that somebody waits for."""
    # A query for each group, as an index finds its end at once; to count them all, every row would be looked at.
    waiting = select(OrderRow.id).where(_IS_PARKED, *parked_groups.asking(group.source, group.question), *_WAIT)
    return session.scalar(waiting.order_by(OrderRow.id.desc()).limit(1))


def _trouble(group: Group, newest: int, now: datetime) -> Trouble:
    number = group.seen.number
    return Trouble.found(
        "order_parked",
        newest,
        f"We couldn't read {'an order' if number == 1 else 'orders'} from {group.source}",
        *_lines(group, now),
        about=group.anchor,
        path=f"parked?group={group.anchor}",
    )


def _lines(group: Group, now: datetime) -> tuple[str, ...]:
    number, age = group.seen.number, group.seen.age(now)
    orders = "1 order waits" if number == 1 else f"{number} orders wait"
    return (
        f"{orders} for this, the oldest for {age}: {_question(group)}",
        *_what_to_do(group),
        "Nothing is lost: no handler has run on what's parked.",
    )


def _described(session: Session, pk: int) -> Alert | None:
    row = session.get(OrderRow, pk)
    group = parked_groups.find(session, row.source, row.parked_as or "") if row is not None else None
    if row is None or group is None or row.state != "parked":
        return None
    in_short = re.split(":| such as ", group.message)[0]
    why = _question(group) if group.word is not None else f"{group.field} {in_short}"
    said = plain_line(f"We couldn't read order {row.receipt} from {row.source}{f': {why}' if why.strip() else ''}")
    return Alert(
        headline=said,
        short=said,
        facts=(("Receipt", row.receipt), ("Source", row.source)),
        lines=_lines(group, utc_now()),
        buttons=(("Open order", f"orders/{row.receipt}"), ("Answer for all", f"parked?group={group.anchor}")),
        order_pk=row.id,
    )


ORDER_PARKED = CaseKind(
    kind="order_parked",
    cases=select(
        OrderRow.id.label("pk"),
        # Not the column itself, or SQLite would read all orders of two weeks by its index.
        (type_coerce(OrderRow.received_at, BigInteger) + 0).label("since"),
        OrderRow.id.label("counted"),
    ).where(_IS_PARKED, *_WAIT),
    describe=_described,
    one="An order couldn't be read",
    several="{} orders couldn't be read",
    path="parked",
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
