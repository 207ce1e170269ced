"""Compares what was acknowledged with what's there: rows, handlers' work, emails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select, text

from receiver.app.components import Kit
from receiver.storage.models import AttemptRow, CustomerRow, HandlerRow, MailRow, OrderRow
from tests.served import Served
from tests.torture.fleet import Fleet
from tests.torture.results import Result
from tests.torture.senders import Sent, customer_email

HANDLERS = ("register_customer", "email_customer", "notify_merchant", "pack_parcel")
#: Seconds after which an order that isn't finished never will be.
_PATIENCE = 120.0
TWICE = "emails twice, same Message-ID"


def judge(
    fleet: Fleet, sent: Sent, taken: Mapping[str, int], *, repeats: int = 0, failed: Collection[str] = ()
) -> Result:
    """Wait until all jobs have ended, and count what's lost and doubled.

    ``taken`` has how often the mail server took each Message-ID; ``repeats`` emails may have come twice, and
    those that ``failed`` were refused for good. What differs is written to a file at the place.
    """
    shop, ids = fleet.shop, list(sent.acknowledged)
    with suppress(AssertionError):  # then what's open counts as lost
        shop.settled(_PATIENCE)
    rows, mails = shop.rows(), shop.rows(MailRow)
    expected_and_found: dict[str, tuple[Iterable[Hashable], Iterable[Hashable]]] = {
        "orders by receipt": (sent.acknowledged.items(), [(row.order_id, row.receipt) for row in rows]),
        "orders done": (ids, [row.order_id for row in rows if row.state == "done"]),
        "handlers done": ([(order_id, name) for order_id in ids for name in HANDLERS], _read(shop, _ended_handlers())),
        "parcels": (ids, _read(shop, text("SELECT order_id FROM parcels"))),
        "customers": ([customer_email(order_id) for order_id in ids], _read(shop, select(CustomerRow.email))),
        "emails of orders": ([order_id for order_id in ids for _ in range(2)], _read(shop, _mails_of_orders())),
        "emails sent": ([mail.message_id for mail in mails if mail.message_id not in failed], taken.keys()),
        "emails marked as sent": (taken.keys(), [mail.message_id for mail in mails if mail.state == "sent"]),
        "integrity": (["ok"], integrity(shop.kit)),
    }
    lost = doubled = 0
    for what, (expected, found) in expected_and_found.items():
        missing, more = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
        lost, doubled = lost + missing.total(), doubled + more.total()
        if missing or more:
            with (fleet.place.folder / "differences.txt").open("a", encoding="utf-8") as file:
                file.write(f"{what}: missing {dict(missing)}, too many {dict(more)}\n")
    copies = sum(taken.values()) - len(taken)
    wrong = sum(count for status, count in sent.statuses.items() if status not in {200, 202, 503})
    return Result(
        lost=lost,
        doubled=doubled + max(copies - repeats, 0),
        refused=sent.statuses[503] + len(failed),
        errors=wrong + fleet.log.count("Traceback"),
        notes={TWICE: copies, "orders": len(ids)},
    )


def integrity(kit: Kit) -> list[str]:
    """Return what SQLite says of its file: ok. A server looks after its own."""
    if not kit.database.path:
        return ["ok"]
    with kit.database.read() as session:
        return list(session.scalars(text("PRAGMA integrity_check")))


def _read(shop: Served, statement: Any) -> list[Any]:
    with shop.kit.database.read() as session:
        return [row[0] if len(row) == 1 else tuple(row) for row in session.execute(statement)]


def _ended_handlers() -> Any:
    """Select each attempt that ended well, by order and handler."""
    ended = select(OrderRow.order_id, HandlerRow.name).join(HandlerRow, HandlerRow.order_pk == OrderRow.id)
    return ended.join(AttemptRow, AttemptRow.handler_pk == HandlerRow.id).where(AttemptRow.state == "done")


def _mails_of_orders() -> Any:
    return select(OrderRow.order_id).join(MailRow, MailRow.order_pk == OrderRow.id)
