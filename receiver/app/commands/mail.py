"""flask mail: list and resend emails, preview and customise their templates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.errors import NotPossible
from receiver.mail import queries
from receiver.mail.templates import BUILT_IN
from receiver.orders import Order
from receiver.settings import checks
from receiver.storage import order_queries

group = AppGroup("mail", help="List, resend, preview and customise emails.")


@group.command("list")
@click.option("--state", type=click.Choice(queries.STATES), help="Only emails in this state.")
@json_option
def list_mails(state: str | None, as_json: bool) -> None:
    """List the latest emails, including those of tests."""
    with working_kit().database.read() as session:
        rows = queries.page(session, state=state)
    print_rows(rows, as_json=as_json, empty="No such emails yet. Send a test order with: flask selftest")


@group.command("resend")
@click.argument("mail_id", metavar="ID", type=click.IntRange(min=1))
@click.option("--to", metavar="ADDRESS", help="Send it to this address instead.")
def resend(mail_id: int, to: str | None) -> None:
    """Send the email with this ID now, even if it was sent before."""
    kit = working_kit()
    with kit.database.write() as session:
        said = queries.resend(session, mail_id, now=datetime.now(UTC), to=to)
    click.echo(f"{said} The server or `flask worker` does it.")


@group.command("preview")
@click.argument("name")
@click.option("--order", "order_id", metavar="ID", help="Use this stored order: its receipt or order id.")
@click.option("--language", metavar="LOCALE", help="In this language, such as de. Default: the shop's.")
@click.option(
    "--open",
    "html_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the HTML part to this file, to open in a browser.",
)
def preview(name: str, order_id: str | None, language: str | None, html_file: Path | None) -> None:
    """Show the email with this NAME, for a sample order unless you name one. Nothing is sent."""
    if language and (problem := checks.locale(language)):
        raise click.BadParameter(f"{problem}.", param_hint="--language")
    order = _recorded(order_id) if order_id else None
    rendered = current_kit().own_mails.preview(name, order, language=language)
    say(f"Subject: {rendered.subject}\n\n{rendered.text.rstrip()}")
    if html_file:
        if rendered.html is None:
            raise click.ClickException(f"{name} has no HTML part, so {html_file} was not written.")
        html_file.write_text(rendered.html, "utf-8")
        click.echo(f"Wrote {html_file}. Open it in a browser.", err=True)


@group.command("customise")
@click.argument("name")
def customise(name: str) -> None:
    """Copy the built-in template with this NAME into the instance folder to edit. Never overwrites."""
    for path in current_kit().own_mails.customise(name):
        click.echo(f"Wrote {path}")
    shown = "order_confirmation" if name.startswith("_") else name
    as_html = " --open preview.html" if (BUILT_IN / f"{shown}.html").exists() else ""
    click.echo(f"Edit it, then preview it with: flask mail preview {shown}{as_html}")
    click.echo("It's used from the next email on. If it breaks, the built-in one is sent and you get an alert.")


def _recorded(order_id: str) -> Order:
    with working_kit().database.read() as session:
        row = order_queries.find_by_either(session, order_id)
        if row.order is None:
            if row.state == "parked":
                raise NotPossible(f"{row.receipt} isn't understood yet. See: flask orders explain {row.receipt}")
            raise NotPossible(f"{row.receipt} no longer has personal data. Name another order.")
        return Order.model_validate_json(row.order)
