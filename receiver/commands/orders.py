"""flask orders: what came in, why it is not understood, run it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import AppGroup

from receiver import ledger
from receiver.commands.printing import json_option, print_json, print_rows, with_progress
from receiver.commands.working import working_kit
from receiver.errors import ConfigurationError, ReceiverError
from receiver.explanation import explain_file, explain_receipt
from receiver.replay import replay as replay_one

group = AppGroup("orders", help="The orders that came in.")
COMMANDS = (group,)

_STATES = ("open", "done", "failed", "parked", "ignored", "duplicate")


@group.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only orders in this state.")
@click.option("--all", "everything", is_flag=True, help="Every page, tests and ignored ones too.")
@json_option
def list_orders(state: str | None, everything: bool, as_json: bool) -> None:
    """List the orders, newest first."""
    with working_kit().database.read() as session:
        rows = ledger.page(session, state=state, everything=everything)
    print_rows(rows, as_json=as_json, empty="No such order yet; send the dummy order with: flask selftest")


@group.command("show")
@click.argument("receipt")
@click.option("--json", "_as_json", is_flag=True, help="Accepted for uniformity; it is always JSON.")
def show(receipt: str, _as_json: bool) -> None:
    """Show one order whole: what was received, read and done, as JSON."""
    with working_kit().database.read() as session:
        try:
            print_json(ledger.whole(ledger.find(session, receipt)))
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from error


@group.command("replay")
@click.argument("receipts", nargs=-1)
@click.option("--handler", help="Run this handler again, as a new run.")
@click.option("--parked", is_flag=True, help="All parked orders, read with today's mapping.")
@json_option
def replay(receipts: Sequence[str], handler: str | None, parked: bool, as_json: bool) -> None:
    """Run what is unfinished of the orders with these RECEIPTS again; a parked one is read again."""
    kit = working_kit()
    if parked:
        with kit.database.read() as session:
            receipts = (*receipts, *ledger.parked_receipts(session))
    elif not receipts:
        raise click.UsageError("Name a RECEIPT, or say --parked.")
    rows, failed = [], False
    with with_progress(receipts, "Replaying", len(receipts)) as progress:
        for receipt in progress:
            try:
                with kit.database.write() as session:
                    became = replay_one(session, receipt, sources=kit.sources, registry=kit.registry, handler=handler)
            except (ConfigurationError, ReceiverError) as error:
                became, failed = str(error), True
            rows.append({"receipt": receipt, "became": became})
    print_rows(rows, as_json=as_json, empty="No order is parked.")
    if any(row["became"] == "open" for row in rows) and not as_json:
        click.echo("A serving process or `flask worker` runs the open ones now.")
    if failed:
        raise SystemExit(1)


@group.command("explain")
@click.argument("what", metavar="FILE|RECEIPT")
@click.option("--source", default=None, help="Read a FILE as this source's; default shopintegrator.")
@json_option
def explain(what: str, source: str | None, as_json: bool) -> None:
    """Tell which parameter fed which field, what fed none, and what might."""
    kit = working_kit()
    path = Path(what)
    try:
        if path.is_file():
            explanation = explain_file(
                path, kit.sources, source, kit.shared_secrets.keyring(), kit.settings["MAX_FIELDS"]
            )
        else:
            with kit.database.read() as session:
                explanation = explain_receipt(session, what, kit.sources)
    except (ConfigurationError, ReceiverError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(explanation.as_json())
        return
    click.echo(explanation.as_text())
