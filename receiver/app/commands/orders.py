"""flask orders: list and show orders, explain how one is read, run one again."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from receiver.app.commands import exporting, importing, rereading, saved_files
from receiver.app.commands.printing import always_json, json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.errors import NotThere
from receiver.intake import parked, parked_groups
from receiver.intake.explanation import explain_file, explain_receipt
from receiver.orders.states import COMPLETED_EVENT, LATER
from receiver.storage import later_events, order_queries, pages, same_id

group = AppGroup("orders", help="List, show, export, explain, import, replay and dismiss orders.")
for command in (exporting.export_orders, importing.import_orders, rereading.reread):
    group.add_command(command)


@group.command("list")
@click.option("--state", type=click.Choice(order_queries.STATES), help="Only orders in this state.")
@click.option(
    "--parked", "is_grouped", is_flag=True, help="What isn't known of the parked orders: one line a question."
)
@click.option("--all", "everything", is_flag=True, help="List everything, including tests and ignored orders.")
@click.option("--same-id", "shares_id", is_flag=True, help="Only orders that share their id with a different order.")
@click.option("--later", is_flag=True, help="Only refunds, cancellations and changes of orders.")
@json_option
def list_orders(
    state: str | None, is_grouped: bool, everything: bool, shares_id: bool, later: bool, as_json: bool
) -> None:
    """List the orders, newest first."""
    if is_grouped:
        _list_questions(as_json=as_json)
        return
    with working_kit().database.read() as session:
        rows = order_queries.page(session, state=state, everything=everything, shares_id=shares_id, later=later)
    empty = "No orders yet. Tests are listed with --all. Send one: flask selftest"
    if shares_id:
        empty = "No two different orders share an id."
    elif later:
        empty = "No order was refunded, cancelled or changed."
    elif state:
        empty = f"No orders are {state}."
    print_rows(rows, as_json=as_json, empty=empty)
    if len(rows) == pages.SIZE and not everything:
        click.echo(f"These are the latest {pages.SIZE}. Use --all to list every order.", err=True)


def _list_questions(*, as_json: bool) -> None:
    now = datetime.now(UTC)
    with working_kit().database.read() as session:
        groups = parked_groups.all_groups(session)
    rows = [
        {
            "source": one.source,
            "parked": one.seen.number,
            "oldest": one.seen.age(now),
            "example": one.receipt,
            "word": one.word,
            "problem": f"{one.field} {one.message}",
        }
        for one in groups
    ]
    print_rows(rows, as_json=as_json, empty="No orders are parked.")
    if any(one.word for one in groups) and not as_json:
        click.echo("Say what a word means: flask sources state SOURCE WORD paid|unpaid", err=True)


@group.command("show")
@click.argument("order", metavar="RECEIPT|ORDER_ID")
@always_json
def show(order: str, _as_json: bool) -> None:
    """Show everything about an order, as JSON. With an order id: the latest one."""
    with working_kit().database.read() as session:
        row = order_queries.find_by_either(session, order)
        about = later_events.order_of(session, row) if row.decided in LATER else None
        later = later_events.of_orders(session, [row])[row.id] if row.event == COMPLETED_EVENT else []
        print_json(
            order_queries.whole(row)
            | {
                "others_of_same_id": [one.receipt for one in same_id.others(session, row)],
                "later_events": [order_queries.summary(one) for one in later],
                "about": about.receipt if about else None,
            }
        )


@group.command("replay")
@click.argument("receipts", nargs=-1, metavar="[RECEIPT|ORDER_ID]...")
@click.option("--handler", help="Run this handler again, as a new run.")
@click.option("--parked", "all_parked", is_flag=True, help="All parked orders, read with the current mapping.")
@click.option("--without", multiple=True, metavar="HANDLER", help="Skip this handler; only with --parked.")
@click.option(
    "--accept-incomplete", is_flag=True, help="Run an order that may be incomplete as it is; not with --parked."
)
@click.option(
    "--second-order",
    is_flag=True,
    help="With --accept-incomplete: run it even if there's already an order with its order id.",
)
@click.option("--as-paid", is_flag=True, help="Run ignored orders as if they were paid; not with --parked.")
@json_option
def replay(
    receipts: Sequence[str],
    handler: str | None,
    all_parked: bool,
    without: tuple[str, ...],
    accept_incomplete: bool,
    second_order: bool,
    as_paid: bool,
    as_json: bool,
) -> None:
    """Run the unfinished handlers of these orders again. Parked and dismissed ones are read again."""
    kit = working_kit()
    for is_wrong, said in (
        (without and not all_parked, "--without goes with --parked."),
        (accept_incomplete and all_parked, "--accept-incomplete is for orders you've checked: name each one."),
        (as_paid and (all_parked or handler), "--as-paid is for ignored orders: name each one, and nothing else."),
        (second_order and not accept_incomplete, "--second-order goes with --accept-incomplete."),
        (handler and all_parked, "--handler can't be used with --parked. Use --without to leave the others out."),
        (not receipts and not all_parked, "Name an order, or use --parked."),
    ):
        if is_wrong:
            raise click.UsageError(said)
    if all_parked:
        receipts = (*receipts, *_parked_receipts(kit, without, as_json=as_json))
    again = Replay(
        sources=kit.sources,
        registry=kit.registry,
        bodies=kit.bodies,
        handler=handler,
        without=without,
        accept_incomplete=accept_incomplete,
        second_order=second_order,
        as_paid=as_paid,
    )
    run, hidden = again.each(kit.database, receipts), not sys.stderr.isatty()
    with click.progressbar(run, len(receipts), "Replaying", file=sys.stderr, hidden=hidden) as progress:
        done = list(progress)
    rows = [{"receipt": one.receipt, "became": one.became} for one in done]
    print_rows(rows, as_json=as_json, empty="No orders are parked.")
    if any(one.state == "open" for one in done) and not as_json:
        click.echo("The server or `flask worker` runs the open ones now.")
    if any(one.state == "failed" for one in done):
        raise SystemExit(1)


def _parked_receipts(kit: Kit, without: Collection[str], *, as_json: bool) -> list[str]:
    """Return the receipts of all parked orders, after printing their number and age, and asking on a terminal."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        seen = parked.overview(session)
        receipts = [receipt for _, receipt in parked.receipts(session)]
    if not receipts or as_json:
        return receipts
    click.echo(f"{seen.number} parked, the oldest for {seen.age(now)}.", err=True)
    names = [handler.name for handler in kit.registry.handlers if handler.name not in without]
    for name in parked.better_left_out(seen, names, now):
        click.echo(f"{name} emails customers, which may be too late by now: skip it with --without {name}", err=True)
    if sys.stdin.isatty():
        click.confirm(
            "Read all of them with the current mapping, and run those that are understood?", abort=True, err=True
        )
    return receipts


@group.command("dismiss")
@click.argument("receipts", nargs=-1, required=True)
def dismiss(receipts: Sequence[str]) -> None:
    """Mark the parked RECEIPTS as ignored, because they aren't orders. A replay undoes this."""
    with working_kit().database.write() as session:
        for receipt in receipts:
            order_queries.dismiss(session, receipt)
    click.echo(f"Dismissed {', '.join(receipts)}.")


@group.command("explain")
@click.argument("what", metavar="FILE|RECEIPT|ORDER_ID")
@click.option("--source", default=None, help="Read a FILE as if it came from this source. Default: shopintegrator.")
@json_option
def explain(what: str, source: str | None, as_json: bool) -> None:
    """Show which parameter fills which field, which ones are unused, and suggestions."""
    kit = working_kit()
    path = Path(what)
    if path.exists() and not path.is_dir():
        keyring = kit.shared_secrets.keyring(of_sources=kit.sources.secrets)
        with saved_files.opened(path) as file:
            explanation = explain_file(file, kit.sources, source, keyring, saved_files.limits(kit))
    elif source:
        raise click.UsageError(f"--source needs a file, and there's no file named {what}.")
    else:
        try:
            with kit.database.read() as session:
                explanation = explain_receipt(session, what, kit.sources)
        except NotThere as error:
            raise click.ClickException(f"{error} There's no file with that name either.") from error
    if as_json:
        print_json(explanation.as_json())
        return
    say(explanation.as_text())
