"""flask sources: what the words of a source mean."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from receiver.app.commands import source_changes, source_tables
from receiver.app.commands.printing import json_option, print_rows
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.intake import parked, parked_groups, questions
from receiver.sources import answers

group = AppGroup("sources", help="List, add and try sources; say what their words mean.")
source_tables.register(group)
source_changes.register(group)


@group.command("state")
@click.argument("name")
@click.argument("word")
@click.argument("meaning", type=click.Choice(["paid", "unpaid", "ask"]))
@click.option("--without", multiple=True, metavar="HANDLER", help="Skip this handler on the parked orders.")
@click.option("--yes", is_flag=True, help="Don't ask before the parked orders are read again.")
@json_option
def state(name: str, word: str, meaning: str, without: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Set what WORD means in the orders of the source NAME: those that are parked, and later ones.

    `ask` takes an answer back: the next such order is parked again.
    """
    kit = working_kit()
    kit.sources.get(name)
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, without=without)
    if meaning == "ask":
        with kit.database.write() as session:
            answers.forget_state(session, name, word)
        click.echo(f'Taken back: orders of {name} with "{word}" are parked from now on, if nobody knows the word.')
        return
    receipts = _asked(kit, name, word, without, yes=yes)
    with kit.database.write() as session:
        answers.save_state(session, name, word, is_paid=meaning == "paid", now=datetime.now(UTC))
    kit.sources.look_again()
    click.echo(f'Saved: "{word}" means {"paid" if meaning == "paid" else "not paid yet"} for {name}.', err=as_json)
    rows = [{"receipt": one.receipt, "became": one.became} for one in again.each(kit.database, receipts)]
    print_rows(rows, as_json=as_json, empty="No parked orders asked about it.")
    if any(row["became"] == "open" for row in rows) and not as_json:
        click.echo("The server or `flask worker` runs the open ones now.")


def _asked(kit: Kit, name: str, word: str, without: tuple[str, ...], *, yes: bool) -> list[str]:
    """Return the parked orders that ask about a word, after printing their number and age, and asking."""
    now, question = datetime.now(UTC), questions.about_word(word)
    with kit.database.read() as session:
        found = parked_groups.find(session, name, question)
        receipts = [receipt for _, receipt in parked.receipts(session, of=parked_groups.asking(name, question))]
    if found is None:
        return []
    orders = "1 parked order" if len(receipts) == 1 else f"{len(receipts)} parked orders"
    click.echo(f"This settles {orders}, the oldest {found.seen.age(now)} old.", err=True)
    names = [handler.name for handler in kit.registry.handlers if handler.name not in without]
    for handler in parked.better_left_out(found.seen, names, now):
        click.echo(
            f"{handler} emails customers, which may be too late by now: skip it with --without {handler}", err=True
        )
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Use --yes where nobody can be asked.")
        click.confirm("Save it, and read them again?", abort=True, err=True)
    return receipts
