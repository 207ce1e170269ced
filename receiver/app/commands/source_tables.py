"""flask sources list, add and try: the shops that send orders, and what a saved body of theirs would be."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit
from receiver.intake.explanation import explain_file
from receiver.security import signing
from receiver.settings.model import FILE
from receiver.sources import tables
from receiver.sources.source import DEFAULT, Source
from receiver.storage import private_files

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def register(group: AppGroup) -> None:
    """Add the commands to the group ``sources``."""
    for command in (list_sources, add, try_file):
        group.add_command(command)


@click.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """List the sources: kind, address, and how their POSTs are verified."""
    kit = working_kit()
    kit.sources.look_again()
    print_rows([_row(kit, source) for source in kit.sources.known], as_json=as_json, empty="No sources.")


@click.command("add")
@click.argument("name")
@click.option("--kind", required=True, help="The shop: shopify, woocommerce, stripe … or a kind of your own.")
@click.option("--secret", prompt=True, hide_input=True, help="What the shop signs with; - reads standard input.")
def add(name: str, kind: str, secret: str) -> None:
    """Add a source NAME to config.toml, and print the address to enter in the shop."""
    kit = working_kit()
    secret = (sys.stdin.readline() if secret == "-" else secret).strip()  # noqa: S105 - it stands for standard input
    if not _NAME.fullmatch(name):
        raise click.UsageError("NAME is part of the address: small letters, digits, - and _, such as my-shop.")
    table = {"kind": kind, "secrets": [secret]}
    found, problems = tables.built({name: table}, kit.sources.kinds)
    if problems:
        raise click.ClickException(problems[0])
    path = kit.instance / FILE
    text = path.read_text("utf-8") if path.exists() else ""
    if name in tomllib.loads(text).get("sources", {}):
        raise click.ClickException(f"{FILE} has a source {name} already. Change it there.")
    lines = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
    private_files.write(path, f"{text.rstrip()}\n\n[sources.{name}]\n{lines}", replace=True)
    kit.sources.look_again()
    say(
        f"Added to {FILE}. Enter this address in the shop:\n\n    {_address(kit, found[name])}\n\n"
        f"Where to click is in Help, “Connect Shopify, WooCommerce, Stripe and others”. Then send a test from there."
    )


@click.command("try")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--as", "name", default=DEFAULT, help="The source that it would come from.", show_default=True)
@json_option
def try_file(path: Path, name: str, as_json: bool) -> None:
    """Read a saved body as an order of a source, and print the order it would be. Nothing is kept."""
    kit = working_kit()
    keyring = kit.shared_secrets.keyring(of_sources=kit.sources.secrets)
    reading = explain_file(path, kit.sources, name, keyring, kit.settings.MAX_FIELDS)
    if as_json:
        print_json(reading.as_json())
        return
    say(reading.as_text())


def _row(kit: Kit, source: Source) -> dict[str, Any]:
    scheme = source.scheme_of_table or source.scheme
    kind = next((name for name, one in kit.sources.kinds.types.items() if type(source) is one), None)
    return {
        "source": source.name,
        "kind": kind or "",
        "address": _address(kit, source),
        "verified_by": type(scheme).__name__ if scheme else "the shared secret or a Standard Webhooks signature",
        "secrets": ", ".join(signing.fingerprint(secret) for secret in source.secrets),
    }


def _address(kit: Kit, source: Source) -> str:
    base = f"{kit.settings.PUBLIC_URL.rstrip('/')}/orders"
    return base if source.name == DEFAULT else f"{base}/{source.name}"
