"""Begin a handler of one's own: the file and its test, from a template."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from keyword import iskeyword
from pathlib import Path

from receiver.errors import ConfigurationError, NotPossible

_HANDLER = '''"""One line about what the handler does."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handlerEVENTS
def NAME(order: Order, context: Context) -> str:
    """One line about what it does; the console shows it."""
    if not order.items:
        raise Skip("nothing was bought")
    return f"{len(order.items)} items of order {order.order_id}"
'''
_TEST = '''"""NAME: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

from receiver.testing import HandlerCases


class TestIt(HandlerCases):
    name = "NAME"


def test_it_counts_the_items(order, run_handler, outbox):
    trial = run_handler("NAME", order)

    assert (trial.state, trial.detail) == ("done", f"{len(order.items)} items of order {order.order_id}")
    assert outbox == []
'''
_CONFTEST = '''"""Gives the tests beside this file their fixtures."""

pytest_plugins = ["receiver.testing"]
'''


def begin(instance: Path, name: str, taken: Collection[str], events: Sequence[str] = ()) -> list[Path]:
    """Write a handler and its test into the instance and give their paths; no file is ever overwritten.

    It runs on these events, without any on completed orders.

    Raises ConfigurationError for a name that no handler can have, and when a file cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name) or iskeyword(name):
        raise NotPossible(f"{name[:60]!r} is no handler's name: small letters, digits and _, as in my_handler.")
    if name in taken:
        raise NotPossible(f"A handler named {name} is there already; choose another name.")
    named = ", ".join(f'"{event}"' for event in events)
    on = f"(events=({named},))" if len(events) == 1 else f"(events=({named}))" if events else ""
    handler, test = instance / "handlers" / f"{name}.py", instance / "tests" / f"test_{name}.py"
    for path in (handler, test):
        if path.exists():
            raise NotPossible(f"{path} is there already; choose another name.")
    try:
        for path, text in ((handler, _HANDLER), (test, _TEST), (instance / "tests" / "conftest.py", _CONFTEST)):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if not path.exists():
                path.write_text(text.replace("EVENTS", on).replace("NAME", name), "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return [handler, test]
