"""What the largest bodies cost: processor time and peak memory of one POST, accepted, and refused unverified.

Those that are refused come with the dearest first: none is to take 100 ms or 32 MiB.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Flask

from bench.hostile_bodies import BYTES, FORM, JSON, VALUES, hostile_bodies
from receiver import create_app
from receiver.app.instance import set_up


class Cost(NamedTuple):
    """What one POST costs: processor milliseconds, and mebibytes of memory at its peak."""

    name: str
    status: int
    milliseconds: float
    mebibytes: float


#: How the names of those that are refused begin.
_UNVERIFIED = "unverified "
_SECRET = "the-secret-of-the-measurement"
#: What's refused after more milliseconds is tried again, up to so many times: a busy machine takes twice as many.
_ROUNDS, _LONG, _MOST_ROUNDS = 5, 100, 40


def _order(number: int) -> dict[str, object]:
    """Return an order of nearly as many values and bytes as are taken: 200 lines, each as wordy as a shop's can be."""
    padding = "x" * (BYTES // VALUES - 25)
    taxes = [{"title": padding, "rate": padding, "price": padding} for _ in range(31)]
    line = {"name": "Mug", "quantity": 1, "unit_price": "1.00", "sku": "M", "tax_lines": taxes}
    return {
        "order_id": f"L-{number}",
        "currency": "EUR",
        "total": "200.00",
        "customer": {"email": "ada@shop.example"},
        "items": [line] * 200,
    }


def _form(number: int) -> bytes:
    fields = [("order_id", f"F-{number}"), ("currency", "EUR"), ("customer_email", "ada@shop.example")]
    padding = "x" * (BYTES // VALUES - 35)
    for line in range(1, 201):
        fields += [(f"item_{line}_name", "Mug"), (f"item_{line}_unit_price", "1.00"), (f"item_{line}_quantity", "1")]
        fields += [
            (f"item_{line}_tax_{tax}_{what}", padding) for tax in range(31) for what in ("title", "rate", "price")
        ]
    return urlencode(fields).encode()


_ACCEPTED: dict[str, tuple[Callable[[int], bytes], str]] = {
    "JSON": (lambda number: json.dumps(_order(number)).encode(), JSON),
    "form": (_form, FORM),
    "kept, full of digits": (lambda number: b'{"a":%d,,' % number + b"4" * 2_000_000, JSON),
    "kept, digits in groups of 4": (lambda number: b'{"a":%d,,' % number + b"4532 " * 400_000, JSON),
    "kept, digits one by one": (lambda number: b'{"a":%d,,' % number + b"4." * 1_000_000, JSON),
}


def main() -> None:
    """Print the figures."""
    costs = list(measured())
    accepted = [cost for cost in costs if not cost.name.startswith(_UNVERIFIED)]
    refused = [cost for cost in costs if cost.name.startswith(_UNVERIFIED)]
    for cost in (*accepted, *sorted(refused, key=attrgetter("milliseconds"), reverse=True)):
        print(f"{cost.name:60} {cost.status} {cost.milliseconds:7.0f} ms {cost.mebibytes:6.1f} MiB")


def measured() -> Iterator[Cost]:
    """Yield what each body costs: first those that are accepted."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECEIVER_INSTANCE_PATH"] = folder
        app = create_app({"SHARED_SECRETS": [_SECRET], "SECRET_KEY": "the-key-of-the-measurement-of-limits"})
        assert Path(app.instance_path) == Path(folder)
        list(set_up(app.extensions["receiver"], None))
        numbers = count(1)
        for name, (make, content_type) in _ACCEPTED.items():
            headers = {"X-Shared-Secret": _SECRET, "Content-Type": content_type}
            size = len(make(0))
            yield _cost(f"{name}, {size:,} bytes", app, lambda make=make: make(next(numbers)), headers)  # type: ignore[misc]
        for name, one in hostile_bodies().items():
            yield _cost(f"{_UNVERIFIED}{name}, {len(one.body):,} bytes", app, lambda one=one: one.body, one.headers)  # type: ignore[misc]
        app.extensions["receiver"].database.engine.dispose()


def _cost(name: str, app: Flask, make: Callable[[], bytes], headers: dict[str, str]) -> Cost:
    """Return what one POST costs: the best of a few, or of many."""
    taken: list[float] = []
    status = 0
    while len(taken) < _ROUNDS or (status >= 400 and min(taken) > _LONG and len(taken) < _MOST_ROUNDS):
        body = make()
        began = time.process_time()
        status = app.test_client().post("/orders", data=body, headers=headers).status_code
        taken.append((time.process_time() - began) * 1000)
    body = make()
    tracemalloc.start()
    app.test_client().post("/orders", data=body, headers=headers)
    peak = tracemalloc.get_traced_memory()[1] / 1_048_576
    tracemalloc.stop()
    return Cost(name, status, min(taken), peak)


if __name__ == "__main__":
    main()
