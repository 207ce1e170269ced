"""How long every page of the console takes with 10,000 orders, as a ratio to the sign-in page on the same server."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from bench.server import PASSWORD, serving
from receiver import create_app
from receiver.storage.columns import Base
from tests.served import SECRET, Served
from tests.web.console.filling import fill
from tests.web.console.visitor import Visitor
from tests.web.console.walking import pages

ORDERS = int(os.environ.get("ORDERS", "10000"))
LOADS = int(os.environ.get("LOADS", "15"))
#: What is multiplied, with what hangs on it and by which column.
_FAMILIES = {
    "orders": {"order_handlers": "order_pk", "mails": "order_pk"},
    "customers": {"customer_addresses": "customer_pk"},
    "transmissions": {"transmission_attempts": "transmission_pk"},
}
#: Columns that must differ from row to row.
_OWN = frozenset({"key", "order_id", "email", "event_id", "message_id"})
_TIMES = frozenset({"received_at", "created_at", "registered_at", "changed_at", "at"})
_APART = timedelta(seconds=45)


def main() -> None:
    """Fill a receiver, load every page in turns and print the table."""
    print(f"\n{ORDERS} orders, the median of {LOADS} loads of each page, in turns with the sign-in page")
    with serving(SHARED_SECRETS=SECRET, RELAY_ALLOW_PRIVATE="true") as (url, kit):
        fill(Served(url, kit))
        with kit.database.write() as session:
            for table, children in _FAMILIES.items():
                _multiply(session, Base.metadata.tables[table], children)
        visitor, stranger = Visitor(url), Visitor(url)
        visitor.sign_in(PASSWORD)
        paths = pages(visitor, create_app())
        base: list[float] = []
        taken: dict[str, list[float]] = {path: [] for path in paths.values()}
        for _ in range(LOADS):
            for path, found in taken.items():
                base.append(_load(stranger, "/admin/sign-in"))
                found.append(_load(visitor, path))
    sign_in = statistics.median(base)
    print(f"sign-in page: {sign_in:.1f} ms\n   ms  ratio  page")
    for path, found in sorted(taken.items(), key=lambda one: -statistics.median(one[1])):
        middle = statistics.median(found)
        print(f"{middle:5.1f}  {middle / sign_in:5.1f}  {path.partition('?')[0]}")


def _load(visitor: Visitor, path: str) -> float:
    started = time.perf_counter()
    status = visitor.get(path, follow=False).status
    if status != 200:
        raise SystemExit(f"{path} answered {status}; the figures mean nothing")
    return (time.perf_counter() - started) * 1000


def _multiply(session: Session, table: Table, children: Mapping[str, str]) -> None:
    """Copy the rows there are, each with what hangs on it, until there are ORDERS of them."""
    originals = session.execute(select(table)).mappings().all()
    last = max(row["id"] for row in originals)
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in (table.name, *children)}
    hanging = {name: session.execute(select(Base.metadata.tables[name])).mappings().all() for name in children}
    for number in range(1, ORDERS + 1):
        original = originals[number % len(originals)]
        made[table.name].append(_copy(original, number) | {"id": last + number})
        for name, pointer in children.items():
            mine = [row for row in hanging[name] if row[pointer] == original["id"]]
            made[name] += [_copy(row, number) | {pointer: last + number} for row in mine]
    for name, rows in made.items():
        if rows:
            session.execute(insert(Base.metadata.tables[name]), rows)


def _copy(row: Mapping[Any, Any], number: int) -> dict[str, Any]:
    """Make a row that came ``number`` steps earlier."""
    copied = {name: value for name, value in row.items() if name != "id"}
    copied |= {name: f"{number}-{copied[name]}" for name in _OWN & copied.keys() if copied[name]}
    return copied | {name: copied[name] - number * _APART for name in _TIMES & copied.keys() if copied[name]}
