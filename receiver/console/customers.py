"""Customer → Customers: who was registered, what is kept of each, and its export and erasure."""

from __future__ import annotations

from flask import Response, abort, flash, json, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver import customers as customer_book
from receiver import privacy
from receiver.console.blueprint import console
from receiver.console.paging import before, one_page
from receiver.kit import current_kit
from receiver.models import CustomerRow


@console.get("/customers")
def customers() -> str:
    """List the customers, newest first."""
    words = request.args.get("q", "").strip()
    with current_kit().database.read() as session:
        statement = customer_book.newest(prefix=words, before=before())
        rows, pages = one_page(session, statement, customer_book.PAGE, q=words)
        counts = customer_book.order_counts(session, *(row.email for row in rows)) if rows else {}
    return render_template("console/customers.html", rows=rows, pages=pages, counts=counts, words=words)


@console.get("/customers/<int:pk>")
def customers_one(pk: int) -> str:
    """Show one customer with their addresses and newest orders."""
    with current_kit().database.read() as session:
        row = _found(session, pk)
        orders = customer_book.orders_of(session, row)
        return render_template("console/customer.html", row=row, orders=orders, most=customer_book.PAGE)


@console.get("/customers/<int:pk>/export")
def customers_export(pk: int) -> Response:
    """Hand over all that is kept of a customer, as a file."""
    with current_kit().database.read() as session:
        text = json.dumps(privacy.export(session, _found(session, pk).email), indent=2, ensure_ascii=False)
    headers = {"Content-Disposition": f'attachment; filename="customer-{pk}.json"'}
    return Response(text, mimetype="application/json", headers=headers)


@console.route("/customers/<int:pk>/erase", methods=["GET", "POST"])
def customers_erase(pk: int) -> ResponseReturnValue:
    """Say what an erasure takes away and what it leaves, then do it."""
    kit = current_kit()
    with kit.database.read() as session:
        row = _found(session, pk)
        lines = privacy.consequences(privacy.kept(session, row.email))
    if request.method == "GET":
        return render_template("console/customer_erase.html", row=row, lines=lines)
    privacy.erase(kit.database, kit.transport, row.email)
    flash(f"{row.email} is erased.")
    return redirect(url_for("console.customers"), 303)


def _found(session: Session, pk: int) -> CustomerRow:
    row = session.get(CustomerRow, pk) if pk < 2**63 else None
    if row is None:
        abort(404, "There is no such customer; they may have been erased.")
    return row
