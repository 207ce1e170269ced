"""flask doctor and selftest: check that everything is right, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain

import click
from flask import Flask, current_app
from urllib3.exceptions import HTTPError

from receiver import errors
from receiver.app.commands.printing import json_option, print_as_they_come
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit, current_kit
from receiver.app.doctor import Finding, diagnose
from receiver.app.own_door import own_door
from receiver.app.self_test import Step, run
from receiver.security import signing
from receiver.security.http_client import new_pool
from receiver.security.shared_secrets import SELF_TEST
from receiver.storage.processes import SERVER, living

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
@click.option("--url", help="The receiver to test. Default: the one that runs at PUBLIC_URL, or else this command.")
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
        tested: list[Step] = []
        if url is None:
            url, step = _running(kit) or stack.enter_context(_served(kit, current_app._get_current_object()))  # type: ignore[attr-defined]  # noqa: SLF001
            tested.append(step)
        walk = run(url, secret=secret, kit=kit if is_own else None)
        steps = print_as_they_come(chain(tested, walk), _line_of_step, as_json=as_json)
    if missed := dict.fromkeys(step.step for step in steps if not step.passed):
        raise click.ClickException(f"the self test failed at: {', '.join(missed)}")
    if not as_json:
        click.secho("The self test passed.", fg="green")


def _running(kit: Kit) -> tuple[str, Step] | None:
    """Return the URL of /orders of this instance's running server, and a step that names it; None if none answers."""
    address = kit.settings.PUBLIC_URL.rstrip("/")
    with kit.database.read() as session:
        is_served = any(process.kind == SERVER for process in living(session, datetime.now(UTC)))
    if not is_served:
        return None
    try:
        with new_pool(allow_private=True, https_only=False) as pool:
            pool.request("GET", f"{address}/healthz")
    except HTTPError:
        return None
    return f"{address}/orders", Step("tested", True, "server", f"the server that runs at {address}")


@contextmanager
def _served(kit: Kit, app: Flask) -> Iterator[tuple[str, Step]]:
    """Serve the app on a free port of this machine and run its jobs; yield the URL of /orders, and a step for that."""
    why = f"this command itself, since no server of this instance answers at {kit.settings.PUBLIC_URL}"
    with own_door(app) as address:
        kit.engine.start(work=True)
        try:
            yield f"{address}/orders", Step("tested", True, "command", why)
        finally:
            kit.engine.stop()


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
