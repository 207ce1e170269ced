"""flask database copy: move the instance to another store, from SQLite to PostgreSQL or back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from receiver.app.components import current_kit
from receiver.settings import checks
from receiver.settings.model import FILE
from receiver.storage import copying
from receiver.storage.opening import open_database


@click.group("database")
def group() -> None:
    """Move the database to another store."""


@group.command("copy")
@click.argument("source")
@click.argument("target")
def copy(source: str, target: str) -> None:
    """Copy the database SOURCE to the empty database TARGET, and verify it. Both are URLs, as in DATABASE_URL.

    Stop the server and its workers first. A copy that broke off goes on where it ended when you run it again.
    """
    for name, url in (("SOURCE", source), ("TARGET", target)):
        if problem := checks.database_url(url) if url else "is empty":
            raise click.ClickException(f"{name} {problem}.")
    # Locks of their own: the instance's may be neither's, and only one of two databases could hold it.
    with TemporaryDirectory(prefix="receiver-") as folder:
        here = open_database(source, Path(folder) / "source.lock")
        there = open_database(target, Path(folder) / "target.lock")
        if here.shown() == there.shown():
            raise click.ClickException("SOURCE and TARGET are the same database.")
        try:
            for line in copying.copy(here, there):
                click.echo(line)
        finally:
            here.engine.dispose()
            there.engine.dispose()
    click.echo(
        f"The copy is complete. Now set DATABASE_URL to {there.engine.url.render_as_string(hide_password=True)} in "
        f"{current_kit().instance / FILE}, or RECEIVER_DATABASE_URL in the environment, with its password if it has "
        "one. Leave SECRET_KEY and the file secret_key as they are: without them the copied secrets can't be read. "
        f"Run `flask doctor`, then start the server. {here.shown()} is as it was; remove it once all is well."
    )
