"""The alert about a handler that failed on an order at every attempt."""

from __future__ import annotations

from sqlalchemy import BigInteger, exists, select, type_coerce
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.mail import order_words
from receiver.mail.alerts import Alert, CaseKind
from receiver.mail.quoting import unlinked
from receiver.storage.models import HandlerRow, OrderRow

# Written out, so that SQLite uses the index of these few.
_HAS_FAILED = sql("order_handlers.state = 'failed'")


def _described(session: Session, pk: int) -> Alert | None:
    one = session.get(HandlerRow, pk)
    row = session.get(OrderRow, one.order_pk) if one is not None else None
    if one is None or row is None:
        return None
    number, tries = order_words.number(row), f"{one.attempts} attempt{'s'[: one.attempts != 1]}"
    page = f"orders/{row.receipt}"
    return Alert(
        headline=f"{order_words.named(row)}: {one.name} failed after {tries}",
        short=f"{order_words.unnamed(row)}: {one.name} failed",
        facts=(
            ("Order", number),
            ("Receipt", row.receipt),
            ("Handler", one.name),
            ("Error", unlinked(one.detail) or ""),
            ("Attempts", str(one.attempts)),
        ),
        lines=(
            "The order itself is safe. Once you've fixed the cause, run it again; the page asks first.",
            f"Or in a terminal: flask orders replay {row.receipt}",
        ),
        buttons=(("Open order", page), ("Run again", f"{page}/run")),
        order_pk=row.id,
    )


HANDLER_FAILED = CaseKind(
    kind="handler_failed",
    cases=select(
        HandlerRow.id.label("pk"),
        type_coerce(HandlerRow.changed_at, BigInteger).label("since"),
        HandlerRow.order_pk.label("counted"),
    ).where(_HAS_FAILED, exists().where(OrderRow.id == HandlerRow.order_pk, OrderRow.test.is_(False))),
    describe=_described,
    one="An order failed",
    several="{} orders failed",
    path="orders?state=failed",
)
