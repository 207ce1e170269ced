"""Look at everything that orders depend on, and say how to mend what is wrong; no secret is shown."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select

from receiver import migrations, ownership, refusals, sqlite
from receiver.config import EXAMPLES, SETTINGS
from receiver.errors import ReceiverError
from receiver.kit import Kit
from receiver.mail import MailNotDelivered
from receiver.models import MailRow, OrderRow
from receiver.refusal_advice import advice
from receiver.registrars import NotRegistered, choice, registrations
from receiver.relay.tables import TransmissionRow
from receiver.serving import blocking_problems, prove_writable
from receiver.sources import DEFAULT


@dataclass(frozen=True)
class Finding:
    """Is one line of the diagnosis: ``ok``, ``warning`` or ``wrong``."""

    subject: str
    state: str
    text: str


def diagnose(kit: Kit, *, quickly: bool = False) -> Iterator[Finding]:
    """Check settings, instance, database, secrets, queue, mail, handlers and public address, one after the other.

    ``quickly`` looks only at what is set up, and neither connects anywhere nor opens a write transaction.
    """
    for check in _QUICK_CHECKS if quickly else _CHECKS:
        try:
            yield from check(kit)
        except ReceiverError as error:
            yield Finding(check.__name__.strip("_"), "wrong", str(error))


def _settings(kit: Kit) -> Iterator[Finding]:
    for problem in kit.problems:
        yield Finding("settings", "wrong", problem)
    if not kit.problems:
        yield Finding("settings", "ok", f"{len(SETTINGS)} settings read from {kit.instance} and environment")
    examples = [name for name in EXAMPLES if kit.settings[name] == _default(name)]
    if examples:
        yield Finding("settings", "warning", f"still the example's: {', '.join(examples)}; set them in config.toml")


def _instance(kit: Kit) -> Iterator[Finding]:
    if not kit.instance.is_dir():
        yield Finding("instance", "wrong", f"{kit.instance} is not there; run `flask init`")
        return
    for path in (kit.instance, kit.instance / "secret_key", kit.instance / "config.toml"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("instance", "wrong", f"{path} can be read by others; run: chmod go= {path}")
            return
    strangers = list(ownership.problems(kit.instance, Path(kit.database.engine.url.database or "")))
    for problem in strangers:
        yield Finding("instance", "wrong", problem)
    if not strangers:
        yield Finding("instance", "ok", f"{kit.instance} is its owner's alone")


def _database(kit: Kit) -> Iterator[Finding]:
    version, mode = sqlite.driver.sqlite_version, sqlite.journal_mode()
    why = "" if mode == "wal" else " (slower, but safe: this SQLite can lose commits in WAL mode)"
    yield Finding("sqlite", "ok", f"{version} in {mode} mode, full sync{why}")
    wrong = blocking_problems(kit)
    for problem in wrong:
        yield Finding("database", "wrong", problem)
    if not wrong:
        prove_writable(kit.database, patience=5)
        yield Finding("database", "ok", f"schema {migrations.newest()}, a row was written and committed")


def _secrets(kit: Kit) -> Iterator[Finding]:
    with kit.database.read() as session:
        rows = kit.shared_secrets.listing(session, now=datetime.now(UTC))
    active = [row["fingerprint"] for row in rows if row["state"] == "active"]
    if active:
        yield Finding("secrets", "ok", f"active: {', '.join(active)}")
    else:
        yield Finding("secrets", "wrong", "none is active, so every POST is refused; add one: flask secret add")
    unreadable = [row["fingerprint"] for row in rows if row["state"] == "unreadable"]
    if unreadable:
        text = f"{', '.join(unreadable)} cannot be decrypted with this SECRET_KEY; revoke and add them again"
        yield Finding("secrets", "wrong", text)


def _clock(kit: Kit) -> Iterator[Finding]:
    """Judge the clock by signed POSTs: nobody else tells the time here."""
    with kit.database.read() as session:
        off = refusals.counts_since(session, datetime.now(UTC) - timedelta(days=1)).get("clock_off", 0)
    if off:
        text = f"POSTs in 24 h whose time was more than 300 s off: {off}; set this machine's clock by NTP"
        yield Finding("clock", "warning", text)
    else:
        yield Finding("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; no signed POST disagreed in 24 h")


def _refused(kit: Kit) -> Iterator[Finding]:
    with kit.database.read() as session:
        newest = refusals.newest_of_each_reason(session, datetime.now(UTC) - timedelta(days=1))
    for row in newest:
        url = "/orders" if row.source == DEFAULT else f"/orders/{row.source}"
        text = f"{row.at:%Y-%m-%d %H:%M} UTC on {url}: {row.detail} {advice(row.reason).next_step}"
        yield Finding("refused", "warning", text)
    if not newest:
        yield Finding("refused", "ok", "no POST was refused in 24 h")


_JOBS: tuple[tuple[type[OrderRow | MailRow | TransmissionRow], str, str], ...] = (
    (OrderRow, "orders", "orders list"),
    (MailRow, "mails", "mail list"),
    (TransmissionRow, "transmissions", "relay transmissions"),
)


def _queue(kit: Kit) -> Iterator[Finding]:
    late = datetime.now(UTC) - timedelta(minutes=5)
    with kit.database.read() as session:
        for model, name, listed in _JOBS:
            waiting = session.scalar(select(func.count()).where(model.state == "open")) or 0
            overdue = session.scalar(select(func.count()).where(model.state == "open", model.due_at < late)) or 0
            failed = session.scalar(select(func.count()).where(model.state == "failed", model.test.is_(False))) or 0
            state = "warning" if overdue or failed else "ok"
            text = f"{waiting} {name} open, {overdue} of them overdue, {failed} failed"
            if overdue:
                text += "; is a serving process or `flask worker` running?"
            if failed:
                text += f"; see `flask {listed} --state failed`"
            yield Finding("queue", state, text)
        parked = session.scalar(select(func.count()).where(OrderRow.state == "parked")) or 0
        if parked:
            yield Finding("queue", "warning", f"{parked} orders parked; see `flask orders list --state parked`")


def _mail_server(kit: Kit) -> Iterator[Finding]:
    if not kit.settings["MAIL_SERVER"]:
        text = f"no MAIL_SERVER: mails are written to {kit.instance / 'outbox'} and not sent"
        yield Finding("mail", "warning", text)


def _mail(kit: Kit) -> Iterator[Finding]:
    if not kit.settings["MAIL_SERVER"]:
        yield from _mail_server(kit)
        return
    try:
        kit.transport.check()
    except (MailNotDelivered, smtplib.SMTPException, OSError) as error:
        yield Finding("mail", "wrong", str(error))
    else:
        yield Finding("mail", "ok", f"{kit.settings['MAIL_SERVER']} answers and takes the login")


def _mail_templates(kit: Kit) -> Iterator[Finding]:
    problems = kit.own_mails.problems()
    for problem in problems:
        yield Finding("templates", "wrong", f"that of {problem}; the built-in one is sent instead")
    if not problems:
        yield Finding("templates", "ok", "every mail can be written as the templates are")


def _registrar(kit: Kit) -> Iterator[Finding]:
    registrar = kit.registrations.registrar
    if kit.settings["ACCOUNT_URL"] and not choice.account_url(kit.settings):
        text = "ACCOUNT_URL is without effect while REGISTRAR is accounts, which mails a link of its own; empty it"
        yield Finding("registrar", "warning", text)
    if registrar is None and kit.settings["REGISTRAR"] in registrations.WEBSITES:
        text = (
            f"{kit.settings['REGISTRAR']}: no website is told of customers until [registrar] in config.toml is mended"
        )
        yield Finding("registrar", "wrong", text)
        return
    if registrar is None:
        yield Finding("registrar", "ok", f"{kit.settings['REGISTRAR']}: no website is told of customers")
        return
    try:
        yield Finding("registrar", "ok", registrar.check())
    except NotRegistered as error:
        yield Finding("registrar", "wrong", str(error))
    with kit.database.read() as session:
        counts, newest = registrations.counts(session), registrations.newest_failed(session)
    text = f"{counts['open']} customers to be registered, {counts['failed']} failed"
    if newest is not None:
        text += f", the newest because: {newest.detail} Mend it, then: flask customers register --all"
    yield Finding("registrar", "warning" if newest else "ok", text)


def _handlers(kit: Kit) -> Iterator[Finding]:
    for problem in kit.registry.problems:
        yield Finding("handlers", "wrong", problem)
    names = ", ".join(handler.name for handler in kit.registry.handlers)
    yield Finding("handlers", "ok" if names else "warning", names or "none runs; see HANDLERS")


def _public_url(kit: Kit) -> Iterator[Finding]:
    url = urlsplit(kit.settings["PUBLIC_URL"])
    if url.scheme == "https":
        yield Finding("public url", "ok", f"{kit.settings['PUBLIC_URL']}; the service posts to …/orders")
    else:
        text = "PUBLIC_URL is not https: fine for a trial, but orders hold personal data; see README, Deploy"
        yield Finding("public url", "warning", text)
    if kit.settings["RELAY_ALLOW_PRIVATE"] and url.scheme != "https":
        text = "RELAY_ALLOW_PRIVATE is on: handlers and the relay may call addresses inside your network"
        yield Finding("relay", "warning", text)


def _default(name: str) -> object:
    return next(setting.default for setting in SETTINGS if setting.name == name)


_CHECKS: tuple[Callable[[Kit], Iterator[Finding]], ...] = (
    _settings,
    _instance,
    _database,
    _secrets,
    _clock,
    _refused,
    _queue,
    _mail,
    _mail_templates,
    _registrar,
    _handlers,
    _public_url,
)
_QUICK_CHECKS = (_settings, _instance, _secrets, _mail_server, _handlers, _public_url)
