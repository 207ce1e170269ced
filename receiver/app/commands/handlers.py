"""flask handlers: list, create and try the handlers that run on an order."""

from __future__ import annotations

from collections.abc import Sequence

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.dispatch import handler_changes, scaffold
from receiver.dispatch.row_changes import Change
from receiver.dispatch.trial import TrialRun
from receiver.handlers.contract import Handler
from receiver.orders.states import EVENTS
from receiver.settings.installation import COMMAND, IS_CHECKOUT
from receiver.storage.models import MailRow

_LONGEST_VALUE = 60
#: Lines shown of an email's text.
_MOST_LINES = 8

group = AppGroup("handlers", help="List, create and try handlers.")


@group.command("list")
@json_option
def list_handlers(as_json: bool) -> None:
    """List handlers in running order, those that are off and what turns them on, and broken ones."""
    kit = current_kit()
    registry = kit.registry
    outdated = handler_changes.outdated(kit.database, registry)
    states: list[tuple[Handler, str, str | None]] = [
        *((handler, "after restart" if handler.name in outdated else "on", None) for handler in registry.handlers),
        *(
            (handler, "off", "HANDLERS" if kit.settings.HANDLERS else registry.own[handler.name].switch)
            for handler in registry.left_out
        ),
        *((handler, "not loaded", None) for handler, _ in registry.not_loaded),
    ]
    rows = [
        {
            "name": handler.name,
            "state": state,
            "switched_on_by": switched_on_by,
            "events": ", ".join(handler.events),
            "after": handler.after,
            "on_test": handler.on_test,
            "timeout": f"{handler.timeout:g} s",
            "file": handler.file,
        }
        for handler, state, switched_on_by in states
    ]
    print_rows(rows, as_json=as_json, empty="")
    if not registry.handlers:
        click.echo("No handlers run. See HANDLERS in instance/config.toml.", err=True)
    for said in (
        *registry.problems,
        *registry.notes,
        *handler_changes.differences(kit.database, registry),
    ):
        click.echo(said, err=True)
    if registry.problems:
        raise SystemExit(1)


@group.command("new")
@click.argument("name")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([*EVENTS.values()]),
    help="An event that it runs on; can be given several times. Default: order.completed.",
)
def new(name: str, events: Sequence[str]) -> None:
    """Create a handler NAME: its file and its test, ready to fill in."""
    kit = current_kit()
    taken = {handler.name for handler in kit.registry.found()}
    handler, test = scaffold.begin(kit.instance, name, taken, events)
    click.echo(f"Wrote {handler}\nWrote {test}\n\nEdit the first, then:")
    python = f"{COMMAND.rpartition('/')[0]}/python" if IS_CHECKOUT else "python"
    click.echo(f"  {python} -m pip install pytest    # once")
    click.echo(f"  {python} -m pytest {test}\n  {COMMAND} handlers run {name} --dummy --dry-run")


@group.command("run")
@click.argument("name")
@click.option("--order", metavar="ID", help="Run on this stored order: its receipt or order id.")
@click.option(
    "--dummy", is_flag=True, help="Run on a test order: nothing is stored, and its emails go to MERCHANT_EMAIL."
)
@click.option("--dry-run", is_flag=True, help="Change nothing in the database, and send no emails.")
@json_option
def run(name: str, order: str | None, dummy: bool, dry_run: bool, as_json: bool) -> None:
    """Run the handler NAME on one order, even if it's turned off, and show what it did.

    It runs as on a real order. Anything outside the database (HTTP calls, files) really happens, even on a dry run.
    """
    if bool(order) == dummy:
        raise click.UsageError("Give either --order ID or --dummy.")
    kit = working_kit()
    trial = kit.trials.on_order(name, order, dry_run=dry_run) if order else kit.trials.on_sample(name, dry_run=dry_run)
    if as_json:
        print_json(trial.as_json())
    else:
        _print_trial(trial)
        click.echo(_what_is_kept(trial, dummy=dummy, dry_run=dry_run))
    if trial.row.state not in {"done", "skipped"}:
        raise SystemExit(1)


def _print_trial(trial: TrialRun) -> None:
    row = trial.row
    say(f"{row.name} on order {trial.order_id}: {row.state} in {row.milliseconds or 0} ms", bold=True)
    if row.detail is not None:
        say(row.detail)
    for mail in trial.mails:
        _print_mail(mail)
    click.echo("\nThe database is unchanged." if trial.changes == [] else "")
    for change in trial.changes or ():
        say(f"{change.table}: {change.kind} {_values(change)}")
    click.echo("")


def _print_mail(mail: MailRow) -> None:
    say(f"\nEmail to {mail.recipient}: {mail.subject}")
    lines = mail.text.splitlines()
    for line in lines[:_MOST_LINES]:
        say(f"  {line}".rstrip())
    if len(lines) > _MOST_LINES:
        click.echo(f"  ... {len(lines) - _MOST_LINES} more lines")


def _values(change: Change) -> str:
    """Return a row's values as text; for an updated row, its first column and the values that changed."""
    before, after = change.before or {}, change.after or {}
    if change.kind != "updated":
        return ", ".join(f"{name}={_short(value)}" for name, value in (after or before).items() if value is not None)
    first = next(iter(after))
    changed = [
        f"{name}={_short(before.get(name))} -> {_short(value)}"
        for name, value in after.items()
        if before.get(name) != value
    ]
    return ", ".join([f"{first}={_short(after[first])}", *changed])


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _what_is_kept(trial: TrialRun, *, dummy: bool, dry_run: bool) -> str:
    if dry_run:
        return "Dry run: the database is unchanged, and no email is sent."
    if dummy and trial.mails:
        return "Only the emails are kept. The server or `flask worker` sends them to MERCHANT_EMAIL."
    if dummy:
        return "Nothing of the test order is kept."
    return "Saved. The server or `flask worker` sends the emails and retries what has to be retried."
