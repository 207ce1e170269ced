"""What the kit is compared with: bare libraries, an empty Flask route, and a hand-written receiver under gunicorn."""

from __future__ import annotations

import os
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path

import urllib3

from bench.server import SECRET, free_port, wait_for


@contextmanager
def by_hand(smtp_port: int) -> Iterator[str]:
    """Serve the hand-written receiver, with the empty route, by 2 processes of 8 threads; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "orders.sqlite"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # two threads that both turn it on refuse each other
        ours = {
            "HANDWRITTEN_DATABASE": str(database),
            "HANDWRITTEN_SMTP_PORT": str(smtp_port),
            "HANDWRITTEN_SECRET": SECRET,
        }
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--threads", "8", "--workers", "2", "--log-level", "error"]
        server = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "bench.handwritten:app"], env=os.environ | ours
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/empty", method="POST")
            yield url
        finally:
            server.terminate()
            server.wait()


def bare_smtplib(port: int, emails: int) -> float:
    """Return emails a second over a kept connection: each is built of two parts and sent, nothing else."""
    started = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for number in range(emails):
            message = EmailMessage()
            message["From"], message["To"] = "shop@shop.example", f"c{number}@shop.example"
            message["Subject"], message["Message-ID"] = "Your order", f"<{number}@shop.example>"
            message.set_content("Thanks for your order.\n" * 40)
            message.add_alternative("<p>Thanks for your order.</p>\n" * 120, subtype="html")
            smtp.send_message(message)
    return emails / (time.monotonic() - started)


def bare_urllib3(url: str, body: bytes, *, posts: int, at_once: int) -> float:
    """Return POSTs a second of threads that share a pool of kept connections."""
    pool = urllib3.PoolManager(maxsize=at_once)

    def send(_number: int) -> None:
        status = pool.request("POST", url, body=body, headers={"Content-Type": "application/json"}).status
        if status != 200:
            raise SystemExit(f"{url} answered {status}; the figures mean nothing")

    started = time.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(send, range(posts)))
    return posts / (time.monotonic() - started)
