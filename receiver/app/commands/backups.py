"""flask backup and restore: write one archive of all that matters, and put it back."""

from __future__ import annotations

from pathlib import Path

import click

from receiver.app.backups import making, restoring
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.errors import NotPossible
from receiver.storage import safekeeping


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="Then delete the oldest archives there, but so many.")
def backup(folder: Path, keep: int | None) -> None:
    """Write a new archive of database, settings, key and own files into FOLDER, even while they're in use."""
    made = making.make(working_kit(), folder, keep=keep)
    click.echo(f"Backed up to {made.path}: {made.size:,} bytes, verified. Orders in it: {made.orders}.")
    if made.holds_key:
        click.echo("It holds the secret key and personal data, so keep it where only you can read it.")
    if made.not_in_it:
        click.echo(f"These settings come from the environment and aren't in it: {', '.join(made.not_in_it)}.")
    for path in made.deleted:
        click.echo(f"Deleted {path}")


@click.command("restore")
@click.argument("archive", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move aside what's there.")
@click.option("--confirm", is_flag=True, help="Let the jobs of a restored database run.")
def restore(archive: Path | None, *, replace: bool, confirm: bool) -> None:
    """Put ARCHIVE back, with its jobs held; then, once you've looked at them, run it with --confirm alone."""
    if confirm == bool(archive) or (confirm and replace):
        raise click.UsageError("Name the archive to restore, or --confirm alone to let its jobs run.")
    if archive is None:
        _confirm()
        return
    for line in restoring.restore(current_kit(), archive, replace=replace):
        click.echo(line)
    click.echo(
        "Now run `flask doctor` and start the server: it takes orders. Handlers, emails, registrations and orders that "
        "are sent on are held, as they may have been done since the backup. Look at what's open, then let them run: "
        "flask restore --confirm"
    )


def _confirm() -> None:
    with working_kit().database.write() as session:
        if not safekeeping.release(session):
            raise NotPossible("No jobs are held.")
    click.echo("Handlers, emails, registrations and orders that are sent on run again.")
