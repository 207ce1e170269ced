"""flask sources add, secret, revoke and remove: a shop is added, and its secrets are changed, without a restart."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import say
from receiver.app.commands.secret import Duration
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit
from receiver.app.source_facts import NO_KIND, NOT_REACHABLE, choices, facts, is_reachable
from receiver.security import signing
from receiver.sources import adding
from receiver.sources.guide import Guide

_FILE = click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the secret; - is standard input. Without it you're asked.",
)
#: The kind of a service that signs as the kit does, on the command line.
_OTHER = "other"


def register(group: AppGroup) -> None:
    """Add the commands to the group ``sources``."""
    for command in (add, secret, revoke, remove):
        group.add_command(command)


@click.command("add")
@click.argument("name")
@click.option("--kind", help="The shop: shopify, woocommerce, stripe …, a kind of your own, or other.")
@_FILE
@click.option("--create", is_flag=True, help="Create the secret and print it once, where the shop takes yours.")
@click.option(
    "--signature", multiple=True, metavar="KEY=VALUE", help="How the shop signs, for generic-hmac: header=X-Signature."
)
def add(name: str, kind: str | None, secret_file: Path | None, create: bool, signature: tuple[str, ...]) -> None:
    """Add a shop as the source NAME, and print the address to enter there and where to click."""
    kit = working_kit()
    kit.sources.look_again()
    taken = [source.name for source in kit.sources.known]
    adding.check_name(name, taken)
    kind = kind or _ask_kind(kit)
    guide = choices(kit.sources.kinds).get(NO_KIND if kind == _OTHER else kind)
    if guide is None:
        raise click.UsageError(f"--kind is one of: {', '.join(sorted(kit.sources.kinds.types))}, {_OTHER}.")
    table = _table(kind, signature)
    value = _secret(secret_file, guide, create=create)
    with kit.database.write() as session:
        mark = adding.add(
            session,
            name,
            table,
            value,
            taken=taken,
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
        )
    kit.sources.look_again()
    known = facts(kit, kit.sources.get(name))
    if create:
        say(f"The secret, shown only once: {value}")
    say(f"Added with the secret {mark}. Enter this address at the shop:\n\n    {known.address}\n")
    if not is_reachable(kit):
        say(f"{NOT_REACHABLE}\n")
    if clicks := _clicks(guide):
        say(f"{clicks}\n")
    say("Then send a test from there. `flask sources list` says when the first order has arrived.")


@click.command("secret")
@click.argument("name")
@_FILE
@click.option("--create", is_flag=True, help="Create the secret and print it once.")
@click.option("--overlap", type=Duration(), default="24h", show_default=True, help="How long the old ones stay valid.")
def secret(name: str, secret_file: Path | None, create: bool, overlap: timedelta) -> None:
    """Enter a new secret of the source NAME, which was added in the console or by `add`."""
    kit = working_kit()
    kit.sources.look_again()
    known = facts(kit, kit.sources.get(name))
    value = _secret(secret_file, known.guide, create=create)
    with kit.database.write() as session:
        mark = adding.add_secret(
            session,
            name,
            value,
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
            overlap=overlap,
        )
    if create:
        say(f"The secret, shown only once: {value}")
    say(f"The secret {mark} is active now, without a restart. Give it to the shop before the old one ends.")


@click.command("revoke")
@click.argument("name")
@click.argument("fingerprint")
def revoke(name: str, fingerprint: str) -> None:
    """End a secret of the source NAME at once."""
    kit = working_kit()
    with kit.database.write() as session:
        adding.end_secret(session, name, fingerprint, now=datetime.now(UTC))
    say(f"Revoked {fingerprint}. POSTs that it verified are refused from now on.")


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
def remove(name: str, yes: bool) -> None:
    """Remove the source NAME and its secrets; its orders stay."""
    kit = working_kit()
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Use --yes where nobody can be asked.")
        click.confirm(f"Remove {name}? What its shop sends then is answered 404. Its orders stay.", abort=True)
    with kit.database.write() as session:
        adding.remove(session, name)
    say(f"Removed {name}. Its orders stay, and so does its mapping, for when you add it again.")


def _ask_kind(kit: Kit) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("Use --kind where nobody can be asked.")
    names = [name or _OTHER for name in choices(kit.sources.kinds)]
    return str(click.prompt("Which shop is it?", type=click.Choice(names)))


def _table(kind: str, signature: tuple[str, ...]) -> dict[str, object]:
    """Return the source's table; raises UsageError for a signature that isn't pairs."""
    if not all("=" in pair for pair in signature):
        raise click.UsageError("--signature is written as header=X-Signature.")
    options = dict(pair.split("=", 1) for pair in signature)
    return {**({} if kind == _OTHER else {"kind": kind}), **({"signature": options} if options else {})}


def _secret(path: Path | None, guide: Guide, *, create: bool) -> str:
    """Return the secret of a file or standard input, a created one, or the one that's typed, which isn't shown."""
    if create and path:
        raise click.UsageError("Give one of --create and --secret-file, not both.")
    if create:
        if not guide.is_chosen:
            raise click.UsageError(f"--create is for shops that take a secret of yours; {guide.title} makes its own.")
        return signing.new_secret()
    if path and str(path) != "-":
        return path.read_text("utf-8")
    if path or not sys.stdin.isatty():
        return sys.stdin.read()
    return str(click.prompt(f"The {guide.calls_it} of {guide.title}", hide_input=True))


def _clicks(guide: Guide) -> str:
    """Return the steps at the shop for a terminal, without marks of Markdown."""
    lines = [f"{number}. {click_}" for number, click_ in enumerate(guide.clicks, 1)]
    head = [f"At {guide.title}:"] if lines else []
    text = "\n".join([*head, *lines, *([guide.notes] if guide.notes else [])])
    return re.sub(r"\*\*|`", "", text)
