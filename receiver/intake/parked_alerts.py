"""What the merchant is emailed about parked orders: an alert for each source and what isn't known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from receiver.intake import parked_groups
from receiver.intake.parked_groups import Group
from receiver.mail.notices import Trouble
from receiver.mail.text_layout import plain_line
from receiver.storage.models import OrderRow

#: Groups that are alerted about, those with the newest orders first.
_MOST = 20
#: Tests are nobody's orders; what may have been cut has an alert of its own, once the whole of it is overdue.
_WAIT = OrderRow.test.is_(False), OrderRow.may_be_cut.is_(False)


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return an alert for each group of parked orders, without those that are held back."""
    return [_alert(group, now) for group in parked_groups.all_groups(session, _MOST, of=_WAIT)]


def _alert(group: Group, now: datetime) -> Trouble:
    number, age = group.seen.number, group.seen.age(now)
    orders = "1 order waits" if number == 1 else f"{number} orders wait"
    return Trouble.found(
        "order_parked",
        group.newest,
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


def _what_to_do(group: Group) -> tuple[str, ...]:
    if group.word is not None:
        return (
            "Answer it once, in the console under Received → Parked, for these and all later ones.",
            plain_line(f"Or in a terminal: flask sources state {group.source} WORD paid|unpaid"),
        )
    if not group.can_be_mapped:
        return ("See the body in the console under Received → Parked, and fix what's wrong with it at the sender.",)
    no_orders = ", or say that these are no orders" if group.may_be_no_orders else ""
    return (
        f"Map the parameters in the console under Received → Parked{no_orders}: for these and all later ones.",
        f"Or in a terminal: flask orders explain {group.receipt}, edit config.toml, flask orders replay --parked",
    )
