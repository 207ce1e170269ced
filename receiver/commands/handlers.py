"""flask handlers: what runs on an order."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from receiver.commands.printing import json_option, print_rows
from receiver.kit import current_kit

group = AppGroup("handlers", help="The handlers that run on an order.")
COMMANDS = (group,)


@group.command("list")
@json_option
def list_handlers(as_json: bool) -> None:
    """List the handlers in the order they run, and what could not be loaded."""
    registry = current_kit().registry
    rows = [
        {
            "name": handler.name,
            "after": handler.after,
            "on_test": handler.on_test,
            "timeout": f"{handler.timeout:g} s",
            "file": handler.file,
        }
        for handler in registry.handlers
    ]
    print_rows(rows, as_json=as_json, empty="No handler runs; see HANDLERS in instance/config.toml.")
    for problem in registry.problems:
        click.echo(problem, err=True)
    if registry.problems:
        raise SystemExit(1)
