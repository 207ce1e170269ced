"""The flask commands, one file per group; what they do is done by the modules that the console shares."""

from __future__ import annotations

from flask import Flask


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
