"""The flask commands, one file per group. They call the same functions as the console."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask import Flask
from flask.cli import FlaskGroup

from receiver.settings.installation import VERSION


def init_app(app: Flask) -> None:
    """Add all commands to the app."""
    from receiver.app.commands import (
        customers,
        diagnosis,
        handlers,
        mail,
        orders,
        relay,
        retention,
        secret,
        selftest,
        serve,
        setup,
        worker,
        working,
    )

    for module in (
        setup,
        serve,
        selftest,
        orders,
        secret,
        customers,
        handlers,
        mail,
        relay,
        worker,
        retention,
        diagnosis,
    ):
        for command in module.COMMANDS:
            app.cli.add_command(working.in_words(command))


def command_line(create_app: Callable[[], Flask]) -> FlaskGroup:
    """Return the command ``order-receiver``: flask's own, on this app."""
    group = FlaskGroup(create_app=create_app, add_version_option=False, help="Receive orders.")
    return click.version_option(VERSION, prog_name="order-receiver")(group)
