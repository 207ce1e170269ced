"""The accept path: which files of the kit one signed POST of an order enters, in order, from the request to its answer.

``python -m docs.generate.accept_path`` prints them; docs/architecture.md names them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
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
_ROOT = f"{Path(__file__).parents[2] / 'receiver'}/"


class Call(NamedTuple):
    """A call from one file into another; both are paths in ``receiver/``."""

    file: str
    caller: str
    #: Whether the file was at work already: whom it called has called it back.
    is_back: bool


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

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and (file := _file(frame)):
            above = _files_above(frame)
            if not above or above[0] != file:
                calls.append(Call(file, above[0] if above else "", file in above))

    sys.setprofile(note)
    try:
        post()
    finally:
        sys.setprofile(None)
        app.extensions["receiver"].database.engine.dispose()
    return calls


def stations(calls: list[Call]) -> list[str]:
    """Return each file once, in the order they are first entered."""
    return list(dict.fromkeys(call.file for call in calls))


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


def _files_above(frame: FrameType) -> list[str]:
    """Return the kit's files that called this one, the nearest first."""
    found = []
    above = frame.f_back
    while above:
        if file := _file(above):
            found.append(file)
        above = above.f_back
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RECEIVER_INSTANCE_PATH"] = folder
        print("\n".join(stations(trace(Path(folder)))))  # noqa: T201 - what it is for
