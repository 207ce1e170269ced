"""The accept path: which files of the kit one signed POST of an order enters, in order, from the request to its answer.

``python -m docs.generate.accept_path`` prints them, those of plain values in brackets; docs/architecture.md names them.
A file is entered when another file calls a function of it. Going on after the call, and the end of a ``with``, isn't.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from flask import Flask

from receiver import create_app
from receiver.app.instance import set_up
from receiver.orders import encode_form
from receiver.orders.sample import order_of_the_guide
from receiver.security.signing import sign

_SECRET = "the-secret-of-the-trace"  # noqa: S105 - of an instance that is thrown away
#: Modules of plain values: they know what one value is (a name, a number, a state, an email address), read and
#: write nothing, and may be asked by anybody, at any time. The other files are steps, which are entered once.
PLAIN = (
    "orders/model",
    "orders/names",
    "orders/field_types",
    "orders/values",
    "orders/states",
    "orders/card_numbers",
    "orders/escapes",
    "orders/charsets",
    "orders/email_addresses",
    "security/secret_forms",
    "storage/columns",
)
_ROOT = f"{Path(__file__).parents[2] / 'receiver'}/"


class Call(NamedTuple):
    """A call from one file into another; both are paths in ``receiver/``."""

    file: str
    caller: str


def trace(instance: Path) -> list[Call]:
    """Return the calls between files for an order that is new, on an instance that is set up here.

    RECEIVER_INSTANCE_PATH has to name the instance.
    """
    app = create_app({"SHARED_SECRETS": [_SECRET]})
    assert Path(app.instance_path) == instance  # noqa: S101 - never someone's own
    list(set_up(app.extensions["receiver"], None))
    _post(app, 1)()  # does what's done once for all orders
    post = _post(app, 2)
    calls: list[Call] = []

    begun, resumed = set(), set()  # of frames; holding them keeps later ones from looking like them

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or not (file := _file(frame)):
            return
        if frame in begun:  # a generator goes on: the end of a `with`
            resumed.add(frame)
            return
        begun.add(frame)
        above = _above(frame)
        if above not in resumed and (caller := _file(above) if above else "") != file:
            calls.append(Call(file, caller))

    sys.setprofile(note)
    try:
        post()
    finally:
        sys.setprofile(None)
        app.extensions["receiver"].database.engine.dispose()
    return calls


def files(calls: list[Call]) -> list[str]:
    """Return each file once, in the order they are first entered."""
    return list(dict.fromkeys(call.file for call in calls))


def returns(calls: list[Call]) -> list[str]:
    """Return the steps that are entered again after another step was."""
    steps = [call.file for call in calls if call.file not in PLAIN]
    entered = [step for step, _ in groupby(steps)]
    return [step for step in dict.fromkeys(entered) if entered.count(step) > 1]


def _post(app: Flask, number: int) -> Callable[[], None]:
    order = order_of_the_guide().model_copy(
        update={"order_id": f"A-{number}", "event_id": f"evt_{number}", "test": False}
    )
    body, now = encode_form(order), int(time.time())
    signature = sign([_SECRET], webhook_id=f"evt_{number}", timestamp=now, body=body)
    headers = {"webhook-id": f"evt_{number}", "webhook-timestamp": str(now), "webhook-signature": signature}
    kind = "application/x-www-form-urlencoded"

    def send() -> None:
        answer = app.test_client().post("/orders", data=body, headers=headers, content_type=kind)
        assert answer.status_code == 202, answer.text  # noqa: S101 - anything else is another path

    return send


def _file(frame: FrameType) -> str:
    name = frame.f_code.co_filename
    return name.removeprefix(_ROOT).removesuffix(".py") if name.startswith(_ROOT) else ""


def _above(frame: FrameType) -> FrameType | None:
    """Return the nearest frame above that's in a file of the kit."""
    above = frame.f_back
    while above and not _file(above):
        above = above.f_back
    return above


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECEIVER_INSTANCE_PATH"] = folder
        for name in files(trace(Path(folder))):
            print(f"({name})" if name in PLAIN else name)  # noqa: T201 - what it's for
