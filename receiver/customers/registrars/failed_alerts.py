"""The alert about a customer who couldn't be registered with the website."""

from __future__ import annotations

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.mail import order_words
from receiver.mail.alerts import Alert, CaseKind
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import CustomerRow, OrderRow

# Written out, so that SQLite uses the index of these few.
_HAS_FAILED = sql("registrations.state = 'failed'")


def _described(session: Session, pk: int) -> Alert | None:
    one = session.get(RegistrationRow, pk)
    customer = session.get(CustomerRow, one.customer_pk) if one is not None else None
    if one is None or customer is None:
        return None
    theirs = OrderRow.email == customer.email, OrderRow.order.is_not(None), OrderRow.test.is_(False)
    order = session.scalar(select(OrderRow).where(*theirs).order_by(OrderRow.id.desc()).limit(1))
    page = ("Open customer", f"customers/{customer.id}")
    # Without an order of theirs, by which the email would be erased, it doesn't name them.
    of_order = (("Order", order_words.number(order)), ("Customer", customer.email)) if order else ()
    said = "the customer couldn't be registered on your website"
    return Alert(
        headline=f"{order_words.named(order)}: {said}" if order else said.replace("the", "A", 1),
        short=f"{order_words.unnamed(order)}: {said}" if order else said.replace("the", "A", 1),
        facts=(*of_order, ("Error", one.detail or ""), ("Attempts", str(one.attempts))),
        lines=(
            "The order is safe, and the customer is stored here. Once you've fixed the cause, try again on their page.",
            "Or in a terminal, for everyone who's missing: flask customers register --all",
        ),
        buttons=(page, ("Open order", f"orders/{order.receipt}")) if order else (page,),
        order_pk=order.id if order else None,
    )


REGISTRATION_FAILED = CaseKind(
    kind="registration_failed",
    cases=select(
        RegistrationRow.id.label("pk"),
        type_coerce(RegistrationRow.changed_at, BigInteger).label("since"),
        RegistrationRow.id.label("counted"),
    ).where(_HAS_FAILED),
    describe=_described,
    one="A customer couldn't be registered on your website",
    several="{} customers couldn't be registered on your website",
    path="customers",
)
