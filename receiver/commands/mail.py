"""flask mail: the mails of the outbox, and sending one again."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from receiver import mail_ledger
from receiver.commands.printing import json_option, print_rows
from receiver.commands.working import working_kit

group = AppGroup("mail", help="The mails that handlers write.")
COMMANDS = (group,)


@group.command("list")
@click.option("--state", type=click.Choice(mail_ledger.STATES), help="Only mails in this state.")
@json_option
def list_mails(state: str | None, as_json: bool) -> None:
    """List the newest mails, of tests too."""
    with working_kit().database.read() as session:
        rows = mail_ledger.page(session, state=state)
    print_rows(rows, as_json=as_json, empty="No such mail yet; send the dummy order with: flask selftest")


@group.command("resend")
@click.argument("mail_id", metavar="ID", type=click.IntRange(min=1))
def resend(mail_id: int) -> None:
    """Send the mail with this ID now; one that was sent is sent once more."""
    kit = working_kit()
    with kit.database.write() as session:
        said = mail_ledger.resend(session, mail_id, now=datetime.now(UTC))
    click.echo(f"{said} A serving process or `flask worker` does it.")
