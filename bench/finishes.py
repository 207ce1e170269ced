"""Orders finished per second: from the POST to registered, mailed twice over SMTP, and settled.

Each round measures in turn: bare smtplib (a kept connection, two-part messages), the hand-written receiver, which does
all in the request, and the kit, whose workers go on after the answers. By itself: ``python -m bench.finishes``
"""

from __future__ import annotations

import os
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import func, select

from bench import orders
from bench.server import PORT, serving, wait_for
from receiver.app.components import Kit
from receiver.security import signing
from receiver.storage.models import MailRow, OrderRow

ROUNDS = int(os.environ.get("ROUNDS", "3"))
#: Orders of a round for the kit and for the hand-written receiver.
ORDERS = int(os.environ.get("FINISH_ORDERS", "500"))
SENDERS = 8
#: Emails of an order: the customer's and the merchant's.
EMAILS = 2
SMTP_PORT = 8766
SECRET = signing.new_secret()
_LONGEST_SECONDS = 600


def main() -> None:
    """Run all rounds and print the table."""
    ratios: dict[str, list[float]] = {"hand-written": [], "kit": []}
    print(f"{ROUNDS} rounds of {ORDERS} orders with {EMAILS} emails each, {SENDERS} senders, granian 2 x 8 threads")
    print("smtplib emails/s  hand-written orders/s  ratio  kit orders/s  ratio  accepts/s meanwhile")
    with _smtp_sink():
        for number in range(ROUNDS):
            floor = _bare_smtplib()
            by_hand = _hand_written(number)
            finished, accepted = _kit(number)
            ratios["hand-written"].append(EMAILS * by_hand / floor)
            ratios["kit"].append(EMAILS * finished / floor)
            print(
                f"{floor:16.0f}  {by_hand:21.0f}  {ratios['hand-written'][-1]:5.2f}  {finished:12.1f}  "
                f"{ratios['kit'][-1]:5.2f}  {accepted:19.0f}"
            )
    for name, found in ratios.items():
        print(f"{name}: emails a second, ratio {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")


@contextmanager
def _smtp_sink() -> Iterator[None]:
    sink = subprocess.Popen([sys.executable, "-m", "bench.smtp_sink", str(SMTP_PORT)])
    try:
        for _ in range(100):
            with suppress(OSError), smtplib.SMTP("127.0.0.1", SMTP_PORT):
                break
            time.sleep(0.1)
        yield
    finally:
        sink.terminate()
        sink.wait()


def _bare_smtplib() -> float:
    """Return emails a second: each message is built and sent, and nothing else is done."""
    started = time.monotonic()
    with smtplib.SMTP("127.0.0.1", SMTP_PORT) as smtp:
        for number in range(EMAILS * ORDERS):
            message = EmailMessage()
            message["From"], message["To"] = "shop@shop.example", f"c{number}@shop.example"
            message["Subject"], message["Message-ID"] = "Your order", f"<{number}@shop.example>"
            message.set_content("Thanks for your order.\n" * 40)
            message.add_alternative("<p>Thanks for your order.</p>\n" * 120, subtype="html")
            smtp.send_message(message)
    return EMAILS * ORDERS / (time.monotonic() - started)


def _bodies(number: int) -> Iterator[str]:
    return (orders.body(f"{number}-{one}", f"c{number}-{one}@shop.example", SECRET) for one in range(ORDERS))


def _hand_written(number: int) -> float:
    """Return orders a second; they're finished when they're answered."""
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            "HANDWRITTEN_DATABASE": str(Path(folder) / "orders.sqlite"),
            "HANDWRITTEN_SMTP_PORT": str(SMTP_PORT),
            "HANDWRITTEN_SECRET": SECRET,
        }
        command = [sys.executable, "-m", "gunicorn", "--threads", "8", "--workers", "2", "--log-level", "error"]
        server = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{PORT}", "bench.handwritten:app"], env=os.environ | ours
        )
        try:
            url = f"http://127.0.0.1:{PORT}"
            wait_for(f"{url}/empty", method="POST")
            started = time.monotonic()
            _none_may_fail(orders.post(url, _bodies(number), senders=SENDERS))
            return ORDERS / (time.monotonic() - started)
        finally:
            server.terminate()
            server.wait()


def _kit(number: int) -> tuple[float, float]:
    """Return orders finished a second, and accepted a second while the workers ran."""
    with serving(
        is_logged=False,
        SHARED_SECRETS=SECRET,
        EMBEDDED_WORKER="true",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=str(SMTP_PORT),
        MERCHANT_EMAIL="merchant@shop.example",
        MAIL_DEFAULT_SENDER="shop@shop.example",
    ) as (url, kit):
        started = time.monotonic()
        _none_may_fail(orders.post(url, _bodies(number), senders=SENDERS))
        accepted = ORDERS / (time.monotonic() - started)
        while not _is_finished(kit):
            if time.monotonic() - started > _LONGEST_SECONDS:
                raise SystemExit(f"{ORDERS} orders aren't finished after {_LONGEST_SECONDS} s")
            time.sleep(0.05)
        return ORDERS / (time.monotonic() - started), accepted


def _none_may_fail(failed: int) -> None:
    if failed:
        raise SystemExit(f"{failed} requests were not accepted; the figures mean nothing")


def _is_finished(kit: Kit) -> bool:
    with kit.database.read() as session:
        done = session.scalar(select(func.count()).select_from(OrderRow).where(OrderRow.state == "done"))
        sent = session.scalar(select(func.count()).select_from(MailRow).where(MailRow.state == "sent"))
    return (done, sent) == (ORDERS, EMAILS * ORDERS)


if __name__ == "__main__":
    main()
