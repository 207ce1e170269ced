"""What the largest bodies cost: processor time and peak memory of one POST, accepted, and refused unverified.

Those that are refused come with the dearest first: none is to take 100 ms or 32 MiB.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from itertools import count
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

from bench.hostile_bodies import BYTES, FORM, JSON, VALUES, hostile_bodies
from receiver import create_app
from receiver.app.instance import set_up

_SECRET = "the-secret-of-the-measurement"
_ROUNDS = 5


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
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECEIVER_INSTANCE_PATH"] = folder
        app = create_app({"SHARED_SECRETS": [_SECRET], "SECRET_KEY": "the-key-of-the-measurement-of-limits"})
        assert Path(app.instance_path) == Path(folder)
        list(set_up(app.extensions["receiver"], None))
        numbers = count(1)
        for name, (make, content_type) in _ACCEPTED.items():
            headers = {"X-Shared-Secret": _SECRET, "Content-Type": content_type}
            size = len(make(0))
            _print(f"{name}, {size:,} bytes", *_cost(app, lambda make=make: make(next(numbers)), headers))  # type: ignore[misc]
        refused = [
            (f"unverified {name}, {len(one.body):,} bytes", *_cost(app, lambda one=one: one.body, one.headers))  # type: ignore[misc]
            for name, one in hostile_bodies().items()
        ]
        for cost in sorted(refused, key=itemgetter(2), reverse=True):
            _print(*cost)
        app.extensions["receiver"].database.engine.dispose()


def _cost(app: Flask, make: Callable[[], bytes], headers: dict[str, str]) -> tuple[int, float, float]:
    """Return the status, and processor milliseconds and peak MiB of one POST: the best of a few."""
    taken, peaks, status = [], [], 0
    for _ in range(_ROUNDS):
        body = make()
        began = time.process_time()
        status = app.test_client().post("/orders", data=body, headers=headers).status_code
        taken.append((time.process_time() - began) * 1000)
    body = make()
    tracemalloc.start()
    app.test_client().post("/orders", data=body, headers=headers)
    peaks.append(tracemalloc.get_traced_memory()[1] / 1_048_576)
    tracemalloc.stop()
    return status, min(taken), min(peaks)


def _print(name: str, status: int, milliseconds: float, mebibytes: float) -> None:
    print(f"{name:60} {status} {milliseconds:7.0f} ms {mebibytes:6.1f} MiB")


if __name__ == "__main__":
    main()
