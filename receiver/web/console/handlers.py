"""Handlers: what runs on an order, how it went lately, and what couldn't be loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import current_app, render_template

from receiver.app import statistics
from receiver.dispatch import handler_changes
from receiver.dispatch.attempt import MOST_ABANDONED
from receiver.handlers.contract import Handler
from receiver.handlers.own_settings import OwnSettings
from receiver.web import kit
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
    with kit.database.read() as session:
        since = datetime.now(UTC) - timedelta(days=7)
        lately = {one.name: statistics.of_handler(session, one.name, since) for one in kit.registry.handlers}
    own = kit.instance / "handlers"
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
        has_own=any(Path(handler.file).is_relative_to(own) for handler in kit.registry.handlers),
        folder=own,
        example=EXAMPLE,
        most_abandoned=MOST_ABANDONED,
    )


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
