"""flask customers and flask handlers: what is there."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from receiver import customers
from receiver.commands.printing import json_option, print_rows
from receiver.commands.working import working_kit
from receiver.kit import current_kit

customers_group = AppGroup("customers", help="The customers that orders have registered.")
handlers_group = AppGroup("handlers", help="The handlers that run on an order.")
COMMANDS = (customers_group, handlers_group)


@customers_group.command("list")
@json_option
def list_customers(as_json: bool) -> None:
    """List the customers, newest first."""
    with working_kit().database.read() as session:
        rows = customers.listing(session)
    print_rows(rows, as_json=as_json, empty="No customer yet; send the dummy order with: flask selftest")


@handlers_group.command("list")
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
            "file": handler.function.__code__.co_filename,
        }
        for handler in registry.handlers
    ]
    print_rows(rows, as_json=as_json, empty="No handler runs; see HANDLERS in instance/config.toml.")
    for problem in registry.problems:
        click.echo(problem, err=True)
    if registry.problems:
        raise SystemExit(1)
