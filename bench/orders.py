"""The order of bench/orders.lua, as Python builds and posts it."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote_plus as quoted
from urllib.parse import urlsplit

_LUA = Path(__file__).with_name("orders.lua").read_text("utf-8")
#: All fields but the order's id, the buyer's email and the secret.
REST = "".join(re.findall(r'"(&[^"]+)"', _LUA.partition("wrk.method")[0]))


def body(order_id: str, email: str, secret: str) -> str:
    """Return the form of one order."""
    return f"order_id={order_id}&customer_email={quoted(email)}&shared_secret={quoted(secret)}{REST}"


def post(url: str, bodies: Iterable[str], *, senders: int) -> int:
    """Post the bodies over so many kept connections; return how many answers weren't 2xx."""
    waiting = iter([*bodies])  # a generator can't be shared by threads

    def send(_number: int) -> int:
        failed = 0
        with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
            for one in waiting:
                connection.request("POST", "/orders", one, {"Content-Type": "application/x-www-form-urlencoded"})
                answer = connection.getresponse()
                answer.read()
                failed += not 200 <= answer.status < 300
        return failed

    with ThreadPoolExecutor(senders) as pool:
        return sum(pool.map(send, range(senders)))
