"""flask init and password: set up the instance."""

from __future__ import annotations

import os
import sys

import click

from receiver.app import instance
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit


@click.command("init")
@click.option("--new-key", is_flag=True, help="Start over if secret_key is lost; removes what only it could read.")
def init(new_key: bool) -> None:
    """Set up the instance: folder, secret key, config.toml, database, first password. Safe to repeat."""
    for line in instance.set_up(current_kit(), os.environ.get("RECEIVER_ADMIN_PASSWORD"), new_key=new_key):
        click.echo(line)


@click.command("password")
def password() -> None:
    """Set a new admin password: typed twice, read from standard input, or generated and printed.

    This also resets the limit on wrong passwords, so you can sign in while others are guessing.
    """
    if sys.stdin.isatty():
        new = click.prompt(
            "New admin password (leave empty to generate one)", default="", hide_input=True, show_default=False
        )
        if new and click.prompt("Repeat it", hide_input=True) != new:
            raise click.ClickException("the passwords don't match; nothing was changed.")
    else:
        new = sys.stdin.readline().rstrip("\r\n")
    made = instance.set_password(working_kit().database, new or None)
    click.echo(f"New admin password: {made}" if not new else "Admin password changed.")
