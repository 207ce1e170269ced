"""Begin to serve an app: make its checks, set up the process, start the worker."""

from __future__ import annotations

import gc
import logging
import re
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

import click
from flask.cli import FlaskGroup
from flask.helpers import get_debug_flag
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.serving import is_running_from_reloader

from receiver.app import private_paths, reloading, stray_errors
from receiver.app.components import Kit
from receiver.dispatch import handler_changes
from receiver.errors import UNPRINTABLE, ReceiverError
from receiver.security.keyring import Keyring
from receiver.sources.registry import Sources
from receiver.storage.processes import SERVER

#: Longest that a POST waits for a handler that computes, in a process that runs both. Python's default of 5 ms adds up
#: over a POST's many steps; among POSTs alone, who wait for each other's commits anyway, it saves needless switches.
_SWITCH_SECONDS = 0.001
_LOOK_AGAIN_SECONDS = 1.0
_LOOPBACK = "127.0.0.1"

#: A link that opens an account, in a line of a request log, however its path is spelled; and the end of one anywhere.
_LINK = re.compile(r'(account(?:/|%2f)+claim(?:/|%2f)+)[^\s"]+', re.IGNORECASE)
_END_OF_LINK = re.compile(r"(?<![A-Za-z0-9_-])\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{5,8}\.[A-Za-z0-9_-]{43}")
#: What comes after it in a URL should be a source's name; somebody may have put a secret there.
_ORDERS = re.compile("/orders[/?]+", re.IGNORECASE)
#: What no line of a log may hold: a path may, since servers log it decoded.
_BREAKS = re.compile(f"\n|{UNPRINTABLE.pattern}")

log = logging.getLogger(__name__)


def is_serving() -> bool:
    """Return whether this process serves: it does unless it runs a flask command other than ``run``.

    With ``flask run --debug`` the process that only restarts the serving one doesn't serve either.
    """
    command = _flask_command()
    if command is None:
        return True
    reload = command.params.get("reload")
    only_restarts = (get_debug_flag() if reload is None else reload) and not is_running_from_reloader()
    return command.info_name == "run" and not only_restarts


def _flask_command() -> click.Context | None:
    """Return what flask was told to do; None in a process of a server."""
    command = click.get_current_context(silent=True)
    return command if command and isinstance(command.find_root().command, FlaskGroup) else None


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is this machine's loopback, which nobody else can reach."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_public_debugging(kit: Kit, host: str, *, debugger: bool | None = None) -> None:
    """Raise ClickException if Flask debugs where others can reach it, since its debugger runs any code of theirs.

    ``debugger`` is what flask run was told of its debugger, which ``--debugger`` starts without debug mode.
    """
    if not (get_debug_flag() or debugger):
        return
    for name, place in (("the host", host), ("that of PUBLIC_URL", urlsplit(kit.settings.PUBLIC_URL).hostname or "")):
        if not is_this_machine(place):
            raise click.ClickException(
                f"FLASK_DEBUG, --debug or --debugger is on, and {name} is {place}, which others can reach: Flask's "
                "debugger would let them run any code. Unset FLASK_DEBUG and FLASK_RUN_DEBUGGER and leave both options "
                "out, or serve on 127.0.0.1 alone, with a PUBLIC_URL such as http://127.0.0.1:8000."
            )


def begin(kit: Kit, *, owns_process: bool = True) -> None:
    """Start serving if this process serves, and run jobs in it if EMBEDDED_WORKER is on."""
    command = _flask_command()
    if owns_process and (command is None or command.info_name == "run"):
        told = command.params if command else {}
        refuse_public_debugging(kit, told.get("host", _LOOPBACK), debugger=told.get("debugger"))
    if is_serving():
        start(kit, work=kit.settings.EMBEDDED_WORKER, owns_process=owns_process)
        reloading.watch(kit.instance / "handlers", partial(give_way, kit))


def start(kit: Kit, *, work: bool, kind: str = SERVER, owns_process: bool = True) -> bool:
    """Set up the log, check what serving needs, and start the engine, with job threads if this process is to ``work``.

    Return False when a check failed: then no job runs, /orders answers 503, and the log says why. A wrong setting
    stays wrong until a restart; a database that becomes usable is used from then on. A wrong source keeps orders from
    being taken until the file is fixed, but jobs run. The process registers as a ``kind``, *server* or *worker*, with
    the handlers that it has loaded. A process that isn't ours, such as that of a site that the receiver is mounted in,
    keeps its log and its hooks as they are.
    """
    if owns_process:
        _set_up_process(kit.settings.LOG_LEVEL, kit.sources)
        if work:
            sys.setswitchinterval(_SWITCH_SECONDS)
    private_paths.repair(kit.instance, kit.database.path)
    obstacles = kit.obstacles
    obstacles.begin()
    for problem in kit.problems:
        log.error("/orders answers 503 until this is fixed: %s", problem)
    for paused in kit.paused:
        log.error("%s", paused)
    for problem in kit.registry.problems_for_the_log:
        log.error("%s See: flask handlers list", problem)
    still_open = private_paths.exposed(kit.instance, kit.database.path)
    for warning in (*kit.setting_warnings, *still_open, *kit.registry.notes):
        log.warning("%s", warning)
    if not kit.problems:
        _log_missing_secrets(kit.shared_secrets.keyring())
        _beat(kit)
        _log_hold(kit)
    names = [handler.name for handler in kit.registry.handlers]
    log.info("handlers: %s", ", ".join(names) or "none")
    kit.presence.begin(kind, names, handler_changes.loaded_files(kit.registry))
    kit.transport.clear_remains()
    work = work and not obstacles.lasting
    kit.engine.start(work=work and not obstacles.passing)
    if obstacles.passing:
        threading.Thread(target=_wait_for_the_database, args=(kit, work), name="start", daemon=True).start()
    if work:
        threading.Thread(target=_end_the_work, args=(kit,), name="stop").start()
    return not obstacles.lasting and not obstacles.passing


def _beat(kit: Kit) -> None:
    """Compare the clock with the heartbeat before the first order comes: without one, it's compared with the orders."""
    with suppress(Exception):  # the upkeep tries again, and logs it; meanwhile nothing is deleted
        kit.heartbeat.look()


def _log_hold(kit: Kit) -> None:
    """Say that jobs are held after a restore, if the database can be asked."""
    with suppress(ReceiverError, SQLAlchemyError):
        if said := kit.hold.said():
            log.warning("%s", said)


def _log_missing_secrets(keyring: Keyring) -> None:
    if keyring.is_sealed:
        log.error(
            "/orders answers 503: none of the stored shared secrets can be read with this SECRET_KEY. Put the right "
            "secret_key back and start again, or add the secret once more with: flask secret add"
        )
    elif not keyring.active:
        log.warning("No shared secret is configured: every POST is refused. Add one with: flask secret add")


def _wait_for_the_database(kit: Kit, work: bool) -> None:
    """Take orders and run jobs once the database can be used: after a full disk, a lock, or a missing upgrade."""
    while not kit.obstacles.is_database_usable():
        time.sleep(_LOOK_AGAIN_SECONDS)
    if work:
        kit.engine.start_work()
    kit.obstacles.passing.clear()
    log.info("the database can be used now: orders are taken")


def give_way(kit: Kit) -> None:
    """Start no more jobs, because another process runs them by the new handlers; take orders until the end."""
    kit.presence.end()
    kit.engine.stop()


def _end_the_work(kit: Kit) -> None:
    """Wait for running jobs when the server stops; Python waits for this thread, as it isn't a daemon."""
    threading.main_thread().join()
    kit.engine.stop()
    kit.presence.end()


def _set_up_process(level: str, sources: Sources) -> None:
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(stray_errors.WithoutWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[to_stderr])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for of_requests in ("werkzeug", "granian.access", "gunicorn.access"):
        logging.getLogger(of_requests).addFilter(partial(_without_secrets, sources))
    stray_errors.log_without_words()
    gc.collect()
    gc.freeze()  # what's loaded by now stays, so the collector doesn't have to walk it each time


def _without_secrets(sources: Sources, record: logging.LogRecord) -> bool:
    """Cut out of a server's request log what whoever reads it could use: account links, and secrets in a URL."""
    line = _END_OF_LINK.sub("...", _LINK.sub(r"\1...", _BREAKS.sub("?", record.getMessage())))
    asked, protocol, rest = line.rpartition(" HTTP/")
    place = _ORDERS.search(asked)
    if place and asked[place.end() :] not in {"", *(source.name for source in sources.known)}:
        asked = f"{asked[: place.end()]}..."
    record.msg, record.args = f"{asked}{protocol}{rest}", ()
    return True
