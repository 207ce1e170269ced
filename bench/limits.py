"""What the largest bodies cost: processor time and peak memory of one POST, accepted, and refused unverified."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

from receiver import create_app
from receiver.app.instance import set_up

_SECRET = "the-secret-of-the-measurement"
_VALUES, _BYTES = 20_000, 2_097_152
_JSON, _FORM, _XML = "application/json", "application/x-www-form-urlencoded", "application/xml"
_ROUNDS = 3


def _order(number: int) -> dict[str, object]:
    """Return an order of nearly as many values and bytes as are taken: 200 lines, each as wordy as a shop's can be."""
    padding = "x" * (_BYTES // _VALUES - 25)
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
    padding = "x" * (_BYTES // _VALUES - 35)
    for line in range(1, 201):
        fields += [(f"item_{line}_name", "Mug"), (f"item_{line}_unit_price", "1.00"), (f"item_{line}_quantity", "1")]
        fields += [
            (f"item_{line}_tax_{tax}_{what}", padding) for tax in range(31) for what in ("title", "rate", "price")
        ]
    return urlencode(fields).encode()


_ACCEPTED: dict[str, tuple[Callable[[int], bytes], str]] = {
    "JSON": (lambda number: json.dumps(_order(number)).encode(), _JSON),
    "form": (_form, _FORM),
}
_REFUSED: dict[str, tuple[bytes, dict[str, str]]] = {
    "JSON of 20,000 values": (json.dumps(_order(0)).encode(), {"Content-Type": _JSON}),
    "form of 20,000 values": (_form(0), {"Content-Type": _FORM}),
    "JSON of 700,000 empty lists": (b"[" + b"[]," * 690_000 + b"[]]", {"Content-Type": _JSON}),
    "JSON of a million numbers": (b"[" + b"1," * 1_000_000 + b"1]", {"Content-Type": _JSON}),
    "JSON of one long text": (b'["' + b"a" * 2_000_000 + b'"]', {"Content-Type": _JSON}),
    "JSON in a form's field": (b"data=" + b"%5B1%5D" * 290_000, {"Content-Type": _FORM}),
    "XML of 500,000 elements": (b"<a>" + b"<b/>" * 500_000 + b"</a>", {"Content-Type": _XML}),
    "no JSON, full of values": (b'{"a":1,,' + b'"abc":"def",' * 170_000, {"Content-Type": _JSON}),
    "no JSON, full of digits": (b'{"a":1,,' + b"4 1 1 1 " * 250_000, {"Content-Type": _JSON}),
    "form of one byte names": (b"a&" * 1_000_000, {"Content-Type": _FORM}),
    "gzip bomb of 100 MiB": (
        gzip.compress(b"[" + b"1," * 52_000_000),
        {"Content-Type": _JSON, "Content-Encoding": "gzip"},
    ),
    "gzip of 2 MiB": (
        gzip.compress(json.dumps(_order(0)).encode()),
        {"Content-Type": _JSON, "Content-Encoding": "gzip"},
    ),
}


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECEIVER_INSTANCE_PATH"] = folder
        app = create_app({"SHARED_SECRETS": [_SECRET]})
        assert Path(app.instance_path) == Path(folder)
        list(set_up(app.extensions["receiver"], None))
        numbers = count(1)
        for name, (make, content_type) in _ACCEPTED.items():
            headers = {"X-Shared-Secret": _SECRET, "Content-Type": content_type}
            size = len(make(0))
            _print(f"{name}, {size:,} bytes", *_cost(app, lambda make=make: make(next(numbers)), headers))  # type: ignore[misc]
        for name, (body, headers) in _REFUSED.items():
            _print(f"unverified {name}, {len(body):,} bytes", *_cost(app, lambda body=body: body, headers))  # type: ignore[misc]
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
