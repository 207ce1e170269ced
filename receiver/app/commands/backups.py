"""flask backup: write one archive of all that matters."""

from __future__ import annotations

from pathlib import Path

import click

from receiver.app.backups import making
from receiver.app.commands.working import working_kit


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="Then delete the oldest archives there, but so many.")
def backup(folder: Path, keep: int | None) -> None:
    """Write a new archive of database, settings, key and own files into FOLDER, even while they're in use."""
    made = making.make(working_kit(), folder, keep=keep)
    click.echo(f"Backed up to {made.path}: {made.orders} orders, {made.size:,} bytes, verified.")
    if made.holds_key:
        click.echo("It holds the secret key and personal data, so keep it where only you can read it.")
    if made.not_in_it:
        click.echo(f"These settings come from the environment and aren't in it: {', '.join(made.not_in_it)}.")
    for path in made.deleted:
        click.echo(f"Deleted {path}")
