"""Handlers: what runs on an order, how it went lately, and what couldn't be loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import abort, current_app, render_template
from flask.typing import ResponseReturnValue

from receiver.app import statistics
from receiver.dispatch import handler_changes
from receiver.dispatch.attempt import MOST_ABANDONED
from receiver.dispatch.missed_orders import MOST, missed_orders
from receiver.dispatch.replay import Replay, Replayed
from receiver.errors import ConfigurationError, ReceiverError
from receiver.handlers.contract import Handler
from receiver.handlers.own_settings import OwnSettings
from receiver.storage import order_queries
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.settings import in_words

EXAMPLE = '''\
# instance/handlers/tell_the_warehouse.py
from receiver.handlers import Skip, handler


@handler
def tell_the_warehouse(order, context):
    """Count the items to pack."""
    if not order.shipping:
        raise Skip("nothing to ship")
    return f"{len(order.items)} items"
'''


@console.get("/handlers")
def handlers() -> str:
    """List the handlers in the order they run."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        since = now - timedelta(days=7)
        lately = {one.name: statistics.of_handler(session, one.name, since) for one in kit.registry.handlers}
        missed = {one.name: len(missed_orders(session, one, now)) for one in kit.registry.handlers if _is_own(one)}
    return render_template(
        "console/handlers.html",
        handlers=kit.registry.handlers,
        left_out=kit.registry.left_out,
        own=kit.registry.own,
        lately=lately,
        switched_off=[one.name for one in kit.registry.handlers if kit.processor.attempts.switched_off(one.name)],
        place=_place,
        own_rows=_own_rows,
        problems=[
            *kit.registry.setting_problems,
            *kit.registry.problems,
            *handler_changes.differences(kit.database, kit.registry),
        ],
        notes=kit.registry.notes,
        missed=missed,
        most_missed=MOST,
        has_own=bool(missed),
        folder=kit.instance / "handlers",
        example=EXAMPLE,
        most_abandoned=MOST_ABANDONED,
    )


@console.post("/handlers/<name>/missed")
def handlers_missed(name: str) -> ResponseReturnValue:
    """Run a handler on the orders that came before it was loaded."""
    handler = kit.registry.get(name)
    if handler is None or not _is_own(handler):
        abort(404)
    with kit.database.read() as session:
        missed = missed_orders(session, handler, datetime.now(UTC))
    done = list(_run_on_missed(name, missed))
    kit.engine.hint("orders")
    queued = sum(one.state == "open" for one in done)
    reasons = dict.fromkeys(one.became for one in done if one.state != "open")
    said = f"{name} now runs on {queued} {'order' if queued == 1 else 'orders'}."
    return next_page("console.handlers", " ".join([said, *reasons]), "wait" if reasons else "message")


def _run_on_missed(name: str, receipts: Sequence[str]) -> Iterator[Replayed]:
    """Queue a handler on orders, one transaction each, but on none that has it by now: two may press at once."""
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, handler=name)
    for receipt in receipts:
        try:
            with kit.database.write() as session:
                has_it = any(one.name == name for one in order_queries.find(session, receipt).handlers)
                done = None if has_it else again.one(session, receipt)
        except (ConfigurationError, ReceiverError) as error:
            done = Replayed(receipt, "failed", str(error))
        if done:
            yield done


def _is_own(handler: Handler) -> bool:
    return Path(handler.file).is_relative_to(kit.instance / "handlers")


def _own_rows(handler: Handler, own: OwnSettings) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each of a handler's own settings; none while they're off or wrong."""
    fields = handler.settings.model_fields if handler.settings and own.values else {}
    return [
        (name, in_words(field, getattr(own.values, name)), field.description or "") for name, field in fields.items()
    ]


def _place(file: str) -> str:
    """Return a file's path, within the kit's folder if it's in there."""
    root = Path(current_app.root_path).parent
    return str(Path(file).relative_to(root)) if Path(file).is_relative_to(root) else file
