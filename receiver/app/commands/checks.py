"""flask doctor and selftest: check that everything is right, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import click
from flask import Flask, current_app

from receiver import errors
from receiver.app.commands.printing import json_option, print_as_they_come
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit, current_kit
from receiver.app.doctor import Finding, diagnose
from receiver.app.own_door import own_door
from receiver.app.self_test import Step, run
from receiver.security import signing
from receiver.security.shared_secrets import SELF_TEST

#: When the self test's secret expires, in case it's killed before it removes it.
_SECRET_LASTS = timedelta(minutes=5)
_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@click.command("doctor")
@json_option
def doctor(as_json: bool) -> None:
    """Check everything orders depend on, one line each with the fix. Exit 1 if anything is wrong."""
    findings = print_as_they_come(diagnose(current_kit()), _line_of_finding, as_json=as_json)
    if any(finding.state == "wrong" for finding in findings):
        raise SystemExit(1)


def _line_of_finding(finding: Finding) -> str:
    mark = click.style(finding.state.ljust(8), fg=_COLOURS[finding.state])
    return f"{mark} {finding.subject.ljust(10)} {errors.printable(finding.text)}"


@click.command("selftest")
@click.option("--url", help="The receiver to test. Default: serve this app on a free port.")
@click.option("--secret", help="That receiver's shared secret. Default: a temporary one of this instance.")
@json_option
def selftest(url: str | None, secret: str | None, as_json: bool) -> None:
    """Send a test order end to end and print each step. Exit 1 if any fails."""
    is_own = not (url and secret)
    kit = working_kit() if is_own else current_kit()
    if is_own and kit.problems:
        raise click.ClickException(kit.problems[0])
    with ExitStack() as stack:
        secret = secret or stack.enter_context(secret_of_its_own(kit))
        url = url or stack.enter_context(_served(current_app._get_current_object()))  # type: ignore[attr-defined]  # noqa: SLF001
        walk = run(url, secret=secret, kit=kit if is_own else None)
        steps = print_as_they_come(walk, _line_of_step, as_json=as_json)
    if missed := dict.fromkeys(step.step for step in steps if not step.passed):
        raise click.ClickException(f"the self test failed at: {', '.join(missed)}")
    if not as_json:
        click.secho("The self test passed.", fg="green")


@contextmanager
def _served(app: Flask) -> Iterator[str]:
    """Serve the app on a free port of this machine and run its jobs; yield the URL of its /orders."""
    engine = app.extensions["receiver"].engine
    with own_door(app) as address:
        engine.start(work=True)
        try:
            yield f"{address}/orders"
        finally:
            engine.stop()


@contextmanager
def secret_of_its_own(kit: Kit) -> Iterator[str]:
    """Add a secret named ``selftest`` to this instance for the block, and remove it even if the block fails."""
    secret, now = signing.new_secret(), datetime.now(UTC)
    with kit.database.write() as session:
        fingerprint = kit.shared_secrets.add(session, secret, now=now, name=SELF_TEST, ends_at=now + _SECRET_LASTS)
    try:
        yield secret
    finally:
        with kit.database.write() as session:
            kit.shared_secrets.forget_self_test(session, fingerprint, now=datetime.now(UTC))


def _line_of_step(step: Step) -> str:
    mark = click.style("ok  ", fg="green") if step.passed else click.style("MISS", fg="red")
    return f"{mark}  {step.step.ljust(26)} {step.state.ljust(8)} {errors.printable(step.detail)}".rstrip()
