"""Whether the time of an answer tells who has an account: known and unknown addresses in turn, in one process.

Prints for each page the medians of `PAIRS` interleaved pairs and their ratio, and writes them into docs/trust.md; fails
when a ratio is more than 5 % off.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from unittest.mock import patch

from flask import Flask
from sqlalchemy import delete, update
from werkzeug.security import generate_password_hash

from docs.generate.figures import TRUST, aligned, write
from receiver import create_app
from receiver.app.instance import set_up
from receiver.storage.account_models import AccountRow, SignInAttemptRow
from receiver.storage.database import Database
from receiver.storage.models import CustomerRow
from receiver.web.account import entry

PAIRS = int(os.environ.get("PAIRS", "400"))
#: The most that the ratio of two medians may be away from 1.
MOST = 0.05
_KNOWN, _UNKNOWN = "ada@shop.example", "eve@shop.example"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def main() -> None:
    """Print a table with a line for each page, and keep it."""
    with _app() as app:
        signing_in = _asked(app, "/account/sign-in", 422, password="not the password")
        asking = _asked(app, "/account/forgotten", 303)
        rows = [
            _compare("sign-in, a wrong password", app, signing_in),
            _compare("forgotten, a link is due", app, asking, is_due=True),
            _compare("forgotten, none is due", app, asking),
        ]
        with patch.object(entry, "_ANSWER_AFTER", 0):
            without = [
                _compare("forgotten, due, without its wait", app, asking, is_due=True),
                _compare("forgotten, none due, without it", app, asking),
            ]
    table = aligned([["page", "known, ms", "unknown, ms", "ratio"], *map(_row, [*rows, *without])], left=1)
    print(table)
    write(TRUST, "python -m bench.enumeration", table, f"medians of {PAIRS} pairs in turn, in one process")
    if any(abs(known / unknown - 1) > MOST for _, known, unknown in rows):
        raise SystemExit(f"an answer tells who has an account: a ratio is more than {MOST:.0%} off")


@contextmanager
def _app() -> Iterator[Flask]:
    """Make a receiver where one customer has an account."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"SECRET_KEY": "the-key-of-the-measurement-of-accounts"}, instance_path=folder)
        kit = app.extensions["receiver"]
        list(set_up(kit, None))
        with kit.database.write() as session:
            session.add(CustomerRow(email=_KNOWN, accepts_marketing=False, registered_at=datetime.now(UTC)))
            session.flush()
            session.add(AccountRow(customer_pk=1, password_hash=generate_password_hash("a long pass phrase")))
        yield app
        kit.database.engine.dispose()


def _asked(app: Flask, path: str, expected: int, **fields: str) -> Callable[[str], float]:
    """Return what sends a page's form for an address, and gives the seconds until the answer."""
    page = app.test_client().get(path)
    headers = {"Cookie": page.headers["Set-Cookie"].partition(";")[0]}
    token = _TOKEN.search(page.text)
    assert token
    client, sent = app.test_client(use_cookies=False), {**fields, "csrf_token": token[1]}

    def ask(email: str) -> float:
        began = time.perf_counter()
        status = client.post(path, data={**sent, "email": email}, headers=headers).status_code
        took = time.perf_counter() - began
        assert status == expected, status
        return took

    return ask


def _compare(name: str, app: Flask, ask: Callable[[str], float], *, is_due: bool = False) -> tuple[str, float, float]:
    """Return the name, and the medians in milliseconds for a known and an unknown address."""
    database: Database = app.extensions["receiver"].database
    took: dict[str, list[float]] = {_KNOWN: [], _UNKNOWN: []}
    for number in range(PAIRS + 5):
        for email in (_KNOWN, _UNKNOWN) if number % 2 else (_UNKNOWN, _KNOWN):
            _reset(database, None if is_due else datetime.now(UTC))
            seconds = ask(email)
            if number >= 5:  # the first ones fill caches
                took[email].append(seconds)
    known, unknown = (median(took[email]) * 1000 for email in (_KNOWN, _UNKNOWN))
    return name, known, unknown


def _row(compared: tuple[str, float, float]) -> list[str]:
    name, known, unknown = compared
    return [name, f"{known:.2f}", f"{unknown:.2f}", f"{known / unknown:.3f}"]


def _reset(database: Database, link_made_at: datetime | None) -> None:
    """Forget all attempts, so that no limit is reached, and say when the last link was made."""
    with database.write() as session:
        session.execute(delete(SignInAttemptRow))
        session.execute(update(AccountRow).values(link_made_at=link_made_at))


if __name__ == "__main__":
    main()
