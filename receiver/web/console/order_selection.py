"""Orders: run those that are selected in the list again, or dismiss them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from flask import request
from werkzeug.wrappers import Response

from receiver.dispatch.replay import Replay, Replayed
from receiver.errors import ConfigurationError
from receiver.storage import order_queries
from receiver.storage.pages import SIZE
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.order_list import from_address

#: What's said of so many orders of each outcome.
_SAID = {
    "open": "{} running now",
    "dismissed": "{} dismissed",
    "unchanged": "{} finished already",
    "parked": "{} still parked",
    "failed": "{} left as before",
}


@console.post("/orders/selected")
def orders_selected() -> Response:
    """Run the selected orders' unfinished handlers again and read parked ones again, or dismiss the parked ones."""
    _, chosen = from_address()
    address = {name: text for name, text in chosen.items() if text}
    receipts = list(dict.fromkeys(request.form.getlist("receipt")))[:SIZE]
    if not receipts:
        return next_page("console.orders", "Select some orders first.", "wait", **address)
    done = list(_dismissed(receipts) if request.form.get("action") == "dismiss" else _run(receipts))
    kit.engine.hint("orders")
    failed = [one.became for one in done if one.state == "failed"]
    tone = "bad" if failed else "message"
    return next_page("console.orders", " ".join([_in_short(done), *failed[:1]]), tone, **address)


def _run(receipts: Iterable[str]) -> Iterable[Replayed]:
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies)
    return again.each(kit.database, receipts)


def _dismissed(receipts: Iterable[str]) -> Iterable[Replayed]:
    for receipt in receipts:
        try:
            with kit.database.write() as session:
                order_queries.dismiss(session, receipt)
            yield Replayed(receipt, "dismissed", "")
        except ConfigurationError as error:
            yield Replayed(receipt, "failed", str(error))


def _in_short(done: Iterable[Replayed]) -> str:
    counts = Counter(one.state for one in done)
    said = [text.format(counts[state]) for state, text in _SAID.items() if state in counts]
    others = [f"{count} {state}" for state, count in counts.items() if state not in _SAID]
    return f"{', '.join([*said, *others])}."
