"""What a merchant writes in an afternoon: one view that stores the order, registers the customer and sends both emails.

It keeps no promise that the kit keeps: nothing is tried again, and the sender waits for the mail server.
"""

from __future__ import annotations

import hmac
import os
import smtplib
import sqlite3
import threading
from email.message import EmailMessage

from flask import Flask, request

app = Flask(__name__)
_own = threading.local()
_SCHEMA = """
PRAGMA journal_mode=WAL;
CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, email TEXT, total TEXT, fields TEXT);
CREATE TABLE IF NOT EXISTS customers (email TEXT PRIMARY KEY, name TEXT);
"""


def _database() -> sqlite3.Connection:
    if not hasattr(_own, "database"):
        _own.database = sqlite3.connect(os.environ["HANDWRITTEN_DATABASE"], timeout=30, isolation_level=None)
        _own.database.executescript(_SCHEMA)
        _own.database.execute("PRAGMA synchronous=FULL")
    return _own.database  # type: ignore[no-any-return]


def _send(recipient: str, subject: str, lines: list[str]) -> None:
    if not hasattr(_own, "smtp"):
        _own.smtp = smtplib.SMTP("127.0.0.1", int(os.environ["HANDWRITTEN_SMTP_PORT"]))
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@shop.example", recipient, subject
    message.set_content("\n".join(lines))
    message.add_alternative("".join(f"<p>{line}</p>" for line in lines), subtype="html")
    _own.smtp.send_message(message)


@app.post("/empty")
def empty() -> str:
    """Answer without doing anything."""
    return ""


@app.post("/orders")
def receive() -> tuple[str, int]:
    """Store the order and the customer, send two emails, answer."""
    form = request.form
    if not hmac.compare_digest(form["shared_secret"].encode(), os.environ["HANDWRITTEN_SECRET"].encode()):
        return "wrong secret", 401
    name = f"{form['customer_first_name']} {form['customer_last_name']}"
    database = _database()
    database.execute("BEGIN IMMEDIATE")
    new = database.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (form["order_id"], form["customer_email"], form["total"], repr(form.to_dict())),
    ).rowcount
    database.execute("INSERT INTO customers VALUES (?, ?) ON CONFLICT DO NOTHING", (form["customer_email"], name))
    database.execute("COMMIT")
    if new:
        bought = [f"{form[f'item_{n}_quantity']} x {form[f'item_{n}_name']}" for n in (1, 2, 3)]
        _send(form["customer_email"], "Your order", [f"Thanks for your order, {name}!", *bought, form["total"]])
        _send("merchant@shop.example", f"Order {form['order_id']}", [name, *bought, form["total"]])
    return "ok", 200
