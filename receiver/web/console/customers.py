"""Customer → Customers: a list of them, and one with registration, consent, export and erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

from flask import Response, abort, json, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver.customers import csv_list, erasing, privacy
from receiver.customers import records as customer_book
from receiver.customers.registrars import names_a_website, registrations
from receiver.mail.spreadsheet import BOM
from receiver.storage.models import CustomerRow
from receiver.storage.pages import SIZE
from receiver.web import kit, paging
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.order_list import LONGEST_SEARCH


@console.get("/customers")
def customers() -> str:
    """List the customers, newest first."""
    words, subscribed = _wanted()
    with kit.database.read() as session:
        found = customer_book.newest(words, subscribed=bool(subscribed), before=paging.before())
        rows, pages = paging.one_page(session, found, q=words, subscribed=subscribed)
        counts = customer_book.order_counts(session, *(row.email for row in rows)) if rows else {}
    return render_template(
        "console/customers.html",
        rows=rows,
        pages=pages,
        counts=counts,
        words=words,
        subscribed=subscribed,
        filters=paging.filter_links("subscribed", {"": "All", "yes": "Subscribed only"}, q=words),
        csv=url_for("console.customers_csv", q=words or None, subscribed=subscribed or None),
    )


@console.get("/customers.csv")
def customers_csv() -> Response:
    """Download the whole list as a CSV file."""
    words, subscribed = _wanted()
    parts = csv_list.written(kit.database, words, subscribed=bool(subscribed))
    headers = {"Content-Disposition": 'attachment; filename="customers.csv"'}
    return Response(chain([BOM], parts), mimetype="text/csv", headers=headers)


@console.get("/customers/<int:pk>")
def customers_one(pk: int) -> str:
    """Show one customer with their addresses, their registration on the website and their newest orders."""
    with kit.database.read() as session:
        row = _found(session, pk)
        return render_template(
            "console/customer.html",
            row=row,
            orders=customer_book.orders_of(session, row),
            most=SIZE,
            registrar=kit.settings.REGISTRAR,
            has_website=_has_website(),
            registration=registrations.of_customer(session, row.id),
        )


@console.post("/customers/<int:pk>/register")
def customers_register(pk: int) -> ResponseReturnValue:
    """Send a customer to the website now, even if sent before."""
    if not _has_website():
        abort(404, "REGISTRAR isn't set to a website that customers can be sent to.")
    with kit.database.write() as session:
        row = _found(session, pk)
        registrations.want(session, row, now=datetime.now(UTC), again=True)
    kit.engine.hint("registrations")
    return next_page("console.customers_one", f"{row.email} is being sent to your website.", pk=pk)


@console.post("/customers/<int:pk>/withdraw")
def customers_withdraw(pk: int) -> ResponseReturnValue:
    """Unsubscribe a customer who asked for it from marketing emails; a later order may subscribe them again."""
    with kit.database.write() as session:
        row = _found(session, pk)
        customer_book.set_consent(row, is_given=False, at=datetime.now(UTC), source="merchant")
    elsewhere = " Unsubscribe them on your website too: that isn't done for you." if _has_website() else ""
    message = f"{row.email} is unsubscribed from marketing emails.{elsewhere}"
    return next_page("console.customers_one", message, pk=pk)


@console.get("/customers/<int:pk>/export")
def customers_export(pk: int) -> Response:
    """Download everything stored about a customer."""
    with kit.database.read() as session:
        found = privacy.export(session, _found(session, pk).email, secret_key=kit.secret_key)
    text = json.dumps(found, indent=2, ensure_ascii=False)
    headers = {"Content-Disposition": f'attachment; filename="customer-{pk}.json"'}
    return Response(text, mimetype="application/json", headers=headers)


@console.route("/customers/<int:pk>/erase", methods=["GET", "POST"])
def customers_erase(pk: int) -> ResponseReturnValue:
    """Show what an erasure removes and keeps, then do it."""
    with kit.database.read() as session:
        row = _found(session, pk)
        kept = privacy.kept(session, row.email, kit.csv_file, secret_key=kit.secret_key)
    if request.method != "POST":
        lines = privacy.consequences(kept, erasing.of_website(kit.registrations.registrar))
        return render_template("console/customer_erase.html", row=row, lines=lines)
    parts = kit.database, kit.transport, kit.registrations.registrar
    done = erasing.everywhere(*parts, row.email, kit.csv_file, secret_key=kit.secret_key)
    return next_page("console.customers", " ".join(done))


def _wanted() -> tuple[str, str]:
    """Return the words that are searched for, and "yes" for those who want marketing emails alone."""
    return request.args.get("q", "").strip()[:LONGEST_SEARCH], paging.filtered("subscribed", ("yes",))


def _has_website() -> bool:
    return names_a_website(kit.settings.REGISTRAR)


def _found(session: Session, pk: int) -> CustomerRow:
    row = session.get(CustomerRow, pk) if pk < 2**63 else None
    if row is None:
        abort(404, "There's no such customer. They may have been erased.")
    return row
