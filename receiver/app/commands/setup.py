"""flask init, password and backup: setting the instance up and keeping it safe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from receiver.app import instance
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.storage.backup import back_up


@click.command("init")
@click.option("--new-key", is_flag=True, help="Begin again where secret_key is lost; removes what only it could read.")
@with_appcontext
def init(new_key: bool) -> None:
    """Set the instance up: folder, secret key, config.toml, database, first password. Safe to repeat."""
    for line in instance.set_up(current_kit(), os.environ.get("RECEIVER_ADMIN_PASSWORD"), new_key=new_key):
        click.echo(line)


@click.command("password")
@with_appcontext
def password() -> None:
    """Set a new admin password: typed twice, read from standard input, or made up and printed.

    Wrong passwords are forgotten with it, so it lets the owner in while others guess.
    """
    if sys.stdin.isatty():
        new = click.prompt("New admin password (empty makes one up)", default="", hide_input=True, show_default=False)
        if new and click.prompt("The same again", hide_input=True) != new:
            raise click.ClickException("the two differ; nothing was changed.")
    else:
        new = sys.stdin.readline().rstrip("\r\n")
    made = instance.set_password(working_kit().database, new or None)
    click.echo(f"The admin password is now: {made}" if not new else "The admin password is changed.")


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Copy the database, while it is in use, to FILE; keep the other files of the instance folder with it."""
    if file.exists():
        raise click.ClickException(f"{file} is there already; name a new file.")
    try:
        back_up(working_kit().database, file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"Backed up to {file}. Keep the rest of instance/ with it, secret_key above all; outbox/ may stay out.")


COMMANDS = (init, password, backup)
