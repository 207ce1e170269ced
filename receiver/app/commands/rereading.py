"""flask orders reread: read an order that has run with today's mapping."""

from __future__ import annotations

from typing import Any

import click

from receiver.app.commands.printing import json_option, print_json, print_rows
from receiver.app.commands.working import working_kit
from receiver.dispatch import second_reading
from receiver.dispatch.second_reading import SecondReading


@click.command("reread")
@click.argument("order", metavar="RECEIPT|ORDER_ID")
@click.option("--apply", "is_applied", is_flag=True, help="Save what changes, and run the handlers that are named.")
@click.option("--run", "also", multiple=True, metavar="HANDLER", help="Run this handler too; only with --apply.")
@json_option
def reread(order: str, is_applied: bool, also: tuple[str, ...], as_json: bool) -> None:
    """Show what today's mapping changes in an order that has run. Parked and ignored ones: flask orders replay.

    Handlers that skipped it run once it's saved; the others have run and only do so again if you name them.
    """
    if also and not is_applied:
        raise click.UsageError("--run goes with --apply.")
    kit = working_kit()
    if is_applied:
        with kit.database.write() as session:
            seen = second_reading.look(session, order, kit.sources, kit.registry)
            if seen.differences or also:
                second_reading.save(session, seen, kit.registry, also)
    else:
        with kit.database.read() as session:
            seen = second_reading.look(session, order, kit.sources, kit.registry)
    if as_json:
        print_json(_as_json(seen, also) | {"applied": is_applied})
        return
    rows = [{"field": one.field, "before": one.before, "after": one.after} for one in seen.differences]
    print_rows(rows, as_json=False, empty="Today's mapping reads it the same.")
    if runs := [*seen.runs, *also]:
        click.echo(f"{'Run now' if is_applied else 'Would run'}: {', '.join(runs)}")
    if others := [f"{name} ({state or 'never ran'})" for name, state in seen.others.items() if name not in also]:
        click.echo(f"{'Not run' if is_applied else 'Only with --run'}: {', '.join(others)}")
    if seen.differences and not is_applied:
        click.echo(f"Nothing was changed. To save it: flask orders reread {seen.receipt} --apply")


def _as_json(seen: SecondReading, also: tuple[str, ...]) -> dict[str, Any]:
    return {
        "receipt": seen.receipt,
        "changes": [one._asdict() for one in seen.differences],
        "runs": [*seen.runs, *also],
        "others": {name: state for name, state in seen.others.items() if name not in also},
    }
