"""flask orders import: a shop's export, or bodies that were saved, become orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from receiver import errors
from receiver.app.commands import saved_files
from receiver.app.commands.printing import json_option, print_json
from receiver.app.commands.working import working_kit
from receiver.intake.importing import Imported, Importing
from receiver.sources.source import DEFAULT
from receiver.storage.thrown_away import copy_of

#: Bodies between two lines of progress.
_EVERY = 10_000
#: Broken bodies that are named in JSON, and reasons why orders are parked that are printed.
_MOST_BROKEN, _MOST_REASONS = 1000, 10
#: What a body became -> the words for it.
_WORDS = {
    "imported": "imported",
    "duplicate": "here already",
    "ignored": "ignored",
    "parked": "parked",
    "test": "tests",
    "broken": "broken",
}


@click.command("import")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path), metavar="FILE..."
)
@click.option("--as", "name", default=DEFAULT, show_default=True, help="The source that they come from.")
@click.option("--run-handlers", is_flag=True, help="Run the handlers on them, as on orders that are posted.")
@click.option("--dry-run", is_flag=True, help="Try it on a copy of the database, and keep nothing.")
@json_option
def import_orders(paths: Sequence[Path], name: str, run_handlers: bool, dry_run: bool, as_json: bool) -> None:
    """Import orders from FILEs, from folders of saved bodies, or from standard input, as -.

    A file holds one body, a JSON list of them, one in each line, or a CSV export. Those that are here already are left
    alone. Handlers don't run, unless you ask for it.
    """
    kit = working_kit()
    kit.sources.get(name)
    importing = Importing(
        sources=kit.sources,
        shared_secrets=kit.shared_secrets,
        secret_key=kit.settings.SECRET_KEY.get_secret_value(),
        source=name,
        run_handlers=run_handlers,
    )
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    broken: list[Imported] = []
    with copy_of(kit.database) if dry_run else nullcontext(kit.database) as database:
        for one in importing.into(database, saved_files.bodies(kit, paths, name)):
            counts[one.became] += 1
            if one.became == "broken":
                click.echo(errors.printable(f"{one.place}: {one.reason}"), err=True)
                broken += [one] if len(broken) < _MOST_BROKEN else []
            elif one.became == "parked" and (one.reason in reasons or len(reasons) < _MOST_REASONS):
                reasons[one.reason] += 1
            if not counts.total() % _EVERY:
                click.echo(f"{counts.total()} read: {_said(counts)}", err=True)
    if as_json:
        at = [{"place": one.place, "reason": one.reason} for one in broken]
        print_json({word: counts[word] for word in _WORDS} | {"broken_at": at, "dry_run": dry_run})
    else:
        _print(counts, reasons, run_handlers=run_handlers, dry_run=dry_run)
    if counts["broken"] or not counts:
        raise SystemExit(1)


def _print(counts: Counter[str], reasons: Counter[str], *, run_handlers: bool, dry_run: bool) -> None:
    click.echo(f"{'It would be: ' if dry_run else ''}{_said(counts) or 'No orders in it'}.")
    for reason, number in reasons.most_common():
        click.echo(errors.printable(f"Parked, {number}: {reason}"))
    if dry_run:
        return
    if counts["parked"]:
        click.echo("See what isn't known of the parked ones: flask orders list --parked")
    if counts["imported"] and run_handlers:
        click.echo("The server or `flask worker` runs their handlers now.")
    elif counts["imported"]:
        click.echo("Their handlers are off. To run one on an order: flask orders replay RECEIPT --handler NAME")


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[one]} {words}" for one, words in _WORDS.items() if counts[one])
