"""flask serve, which `make run` uses: granian on one address, with the self test on first start."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
from sqlalchemy import select
from urllib3.exceptions import HTTPError

from receiver.app import private_paths, reloading, serving
from receiver.app.commands.working import working_kit
from receiver.app.components import Kit
from receiver.security.http_client import new_pool
from receiver.settings.environment import PREFIX
from receiver.settings.installation import COMMAND, IS_CHECKOUT
from receiver.settings.model import SETTINGS
from receiver.storage.models import OrderRow

_START_SECONDS = 30.0
#: Set for the served process: its terminal shows each POST.
SHOWS_POSTS = "FLASK_SERVE_SHOWS_POSTS"
#: The warning when the server listens on an address that others can reach.
NO_PROXY = (
    "anyone who can reach this address reaches the server directly. Nothing is encrypted, and 8 clients that stall "
    "keep orders out for up to 30 s. Put a proxy in front (see “Deploy” in Help) and set TRUSTED_PROXIES."
)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--reload", is_flag=True, help="Reload handlers when their files change, for development.")
def serve(host: str, port: int, reload: bool) -> None:
    """Serve on this machine, and run the self test on first start."""
    kit = working_kit()
    serving.refuse_public_debugging(kit, host)
    if kit.obstacles.lasting:
        raise click.ClickException(kit.obstacles.lasting[0])
    address = _free_address(host, port)
    if not (serving.is_this_machine(host) or kit.settings.TRUSTED_PROXIES):
        click.echo(f"{host}: {NO_PROXY}", err=True)
    url = f"http://{host}:{port}"
    told_early: list[bool] = []
    _on_signals(lambda: told_early.append(True))
    # In a session of its own, so that a Ctrl-C in the terminal reaches it only once: by the signal sent here.
    environment = _environment(kit, host, url) | ({reloading.BY_THE_PARENT: "1"} if reload else {})
    server = subprocess.Popen(_granian(address, port), env=environment, start_new_session=True)  # noqa: S603
    if reload:
        reloading.on_change(kit.instance / "handlers", lambda: _reload(server, url))
    try:
        _on_signals(lambda: _stop(server))
        if told_early:
            raise SystemExit(0)
        if not _answers(server, url):
            raise click.ClickException(f"can't serve {url}; the lines above say why")
        is_first_start = _is_first_start(kit)
        if is_first_start:
            click.echo("First start: the self test sends a test order and follows it.\n")
            flask = [sys.executable, "-m", "flask", "--app", "receiver"]
            subprocess.run([*flask, "selftest", "--url", f"{url}/orders"], check=False)  # noqa: S603
        _say_where(url, is_first_start=is_first_start)
        for said in private_paths.exposed(kit.instance, kit.database.path):
            click.echo(f"Warning: {said}", err=True)
        kit.sources.look_again()
        if not (kit.shared_secrets.keyring().active or kit.sources.secrets):
            click.echo(f"Next, add the service's shared secret with: {COMMAND} secret add SECRET")
        click.echo("Each POST is shown below. Press Ctrl-C to stop.")
        raise SystemExit(max(_end_of(server), 0))
    finally:
        _stop(server)
        _end_of(server)


def _reload(server: subprocess.Popen[Any], url: str) -> None:
    """Make the server, once it's up, replace its worker with one that loads the current handlers."""
    time.sleep(reloading.SEEN_BY_ALL)  # the worker watches the files too, and stops running jobs first
    if _answers(server, url):
        click.echo("A handler file changed. Reloading the handlers.")
        server.send_signal(signal.SIGHUP)


def _end_of(server: subprocess.Popen[Any]) -> int:
    """Wait for the server's end, a second at a time: a signal that another thread gets ends no endless wait."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return server.wait(1)


def _stop(server: subprocess.Popen[Any]) -> None:
    """Ask the server to stop, only once, since a second signal can hang it; a second Ctrl-C kills it."""
    _on_signals(lambda: _kill(server))
    server.terminate()


def _kill(server: subprocess.Popen[Any]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


def _on_signals(action: Callable[[], None]) -> None:
    """Call ``action`` on each signal to stop: Ctrl-C, a service manager, a closed terminal unless under nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: action())


def _say_where(url: str, *, is_first_start: bool) -> None:
    click.echo(f"\nOrders go to:             {url}/orders")
    click.echo(f"Console:                  {click.style(f'{url}/admin/', bold=True)}")
    if is_first_start:
        click.echo(f"First password:           printed by `flask init` above. Lost it? {COMMAND} password")


def _free_address(host: str, port: int) -> str:
    """Return the host's address, since granian takes no names. Raises ClickException if the port is taken.

    Without this check, the answers of another server there would be mistaken for this one's.
    """
    try:
        with socket.create_server((host, port)) as listening:
            return str(listening.getsockname()[0])
    except OSError as error:
        what = (error.strerror or "").partition(" (while")[0]
        another = "make run PORT=8001" if IS_CHECKOUT else f"{COMMAND} serve --port 8001"
        hint = f"; use another port: {another}" if error.errno == errno.EADDRINUSE else ""
        raise click.ClickException(f"can't listen on {host}:{port}: {what}{hint}.") from error


def _granian(host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface=wsgi", f"--host={host}", f"--port={port}"),
        "--http=1",  # granian's HTTP/2 loses a thread to each stream that breaks off
        "--blocking-threads=8",
        "--workers-kill-timeout=10",
        "--respawn-failed-workers",
        "--respawn-interval=5",  # when handlers are loaded again, the old worker takes orders until the new one does
        "--log-level=error",
        "--factory",
        "receiver:create_served_app",
    ]


def _environment(kit: Kit, host: str, url: str) -> dict[str, str]:
    """Return the server's environment, with this address as PUBLIC_URL unless that is set.

    On a trial machine, served on loopback without https, the relay may reach local addresses.
    """
    environment = {**os.environ, SHOWS_POSTS: "1"}
    if SETTINGS["PUBLIC_URL"].default == kit.settings.PUBLIC_URL:
        environment[f"{PREFIX}PUBLIC_URL"] = url
    if serving.is_this_machine(host) and not kit.settings.PUBLIC_URL.startswith("https:"):
        environment.setdefault(f"{PREFIX}RELAY_ALLOW_PRIVATE", "true")
    return environment


def _answers(server: subprocess.Popen[Any], url: str) -> bool:
    """Wait until the server is ready; return False if it ends or doesn't answer."""
    pool = new_pool(allow_private=True, https_only=False)
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(HTTPError):
            if pool.request("GET", f"{url}/healthz").status == 200:
                return server.poll() is None
        time.sleep(0.1)
    return False


def _is_first_start(kit: Kit) -> bool:
    with kit.database.read() as session:
        return session.scalar(select(OrderRow.id).limit(1)) is None  # tests count: the self test ran already
