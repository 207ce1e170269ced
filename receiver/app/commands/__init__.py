"""The flask commands, one file per group. They call the same functions as the console."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask import Flask
from flask.cli import FlaskGroup

from receiver.app.commands import (
    backups,
    checks,
    customers,
    database,
    handlers,
    mail,
    orders,
    relay,
    secret,
    serve,
    setup,
    sources,
    upkeep,
    working,
)
from receiver.settings.installation import VERSION

_COMMANDS: tuple[click.Command, ...] = (
    *(
        setup.init,
        setup.password,
        backups.backup,
        backups.restore,
        database.group,
        serve.serve,
        checks.selftest,
        orders.group,
        secret.group,
        sources.group,
    ),
    *(customers.group, handlers.group, mail.group, relay.group, upkeep.worker, upkeep.prune, checks.doctor),
)


def init_app(app: Flask) -> None:
    """Add all commands to the app."""
    for command in _COMMANDS:
        app.cli.add_command(working.in_words(command))


def command_line(create_app: Callable[[], Flask]) -> FlaskGroup:
    """Return the command ``order-receiver``: flask's own, on this app."""
    group = FlaskGroup(create_app=create_app, add_version_option=False, help="Receive orders.")
    return click.version_option(VERSION, prog_name="order-receiver")(group)
