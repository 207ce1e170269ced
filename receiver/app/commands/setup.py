"""flask init, password and backup: set up the instance and keep it safe."""

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
@click.option("--new-key", is_flag=True, help="Start over if secret_key is lost; removes what only it could read.")
@with_appcontext
def init(new_key: bool) -> None:
    """Set up the instance: folder, secret key, config.toml, database, first password. Safe to repeat."""
    for line in instance.set_up(current_kit(), os.environ.get("RECEIVER_ADMIN_PASSWORD"), new_key=new_key):
        click.echo(line)


@click.command("password")
@with_appcontext
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


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Copy the database to FILE, even while in use. Keep the rest of the instance folder with it."""
    if file.exists():
        raise click.ClickException(f"{file} already exists. Name a new file.")
    try:
        back_up(working_kit().database, file)
    except OSError as error:
        raise click.ClickException(f"can't write {file}: {error.strerror}.") from error
    click.echo(f"Backed up to {file}. Keep the rest of instance/ with it, above all secret_key. You can skip outbox/.")


COMMANDS = (init, password, backup)
