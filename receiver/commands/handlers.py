"""flask handlers: what runs on an order."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from receiver import authoring
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


@group.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Begin a handler NAME: its file and its test, ready to be filled in."""
    kit = current_kit()
    taken = {handler.name for handler in (*kit.registry.handlers, *kit.registry.left_out)}
    handler, test = authoring.begin(kit.instance, name, taken)
    click.echo(f"Wrote {handler}\nWrote {test}\n\nEdit the first, then:")
    click.echo("  .venv/bin/pip install -c requirements-dev.txt pytest    # once")
    click.echo(f"  .venv/bin/python -m pytest {test}\n  .venv/bin/flask selftest    # runs it on the dummy order")
