"""Check what must work for orders to be handled, by trying it: disk, clock, jobs, mail server, registrar."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from receiver import errors
from receiver.app import far_off
from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding, ok, warning, wrong, wrong_or_ok
from receiver.app.hints import choosing
from receiver.customers import clock_notice
from receiver.customers.registrars import NotRegistered, account_url, names_a_website, registrations
from receiver.intake import refusals
from receiver.mail.message import MailNotDelivered
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: A large day's orders and emails, and a backup before an upgrade.
_LEAST_FREE_MB = 100
#: A job that was due this long ago should have run by now.
_LATE = timedelta(minutes=5)


def disk(kit: Kit) -> Iterator[Finding]:
    """Check that there's room for new orders; a small row may fit where an order doesn't."""
    if not kit.instance.is_dir():
        return
    free = shutil.disk_usage(kit.instance).free // 1_000_000
    if free < _LEAST_FREE_MB:
        yield wrong("disk", f"only {free} MB free at {kit.instance}. Free some space: once it's full, orders get a 503")
    else:
        yield ok("disk", f"{free} MB free")


def clock(kit: Kit) -> Iterator[Finding]:
    """Check the clock against signed POSTs and the upkeep's heartbeat; no time server is asked."""
    with kit.database.read() as session:
        off = refusals.counts_since(session, datetime.now(UTC) - timedelta(days=1)).get("clock_off", 0)
    if off:
        text = f"POSTs in 24 h whose time was more than 300 s off: {off}. Sync this machine's clock with NTP"
        yield warning("clock", text)
    else:
        yield ok("clock", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; no signed POST disagreed in 24 h")
    if suspended := kit.retention.suspension(datetime.now(UTC)):
        yield warning("clock", f"{clock_notice.nothing_is_purged(suspended)} {clock_notice.WHAT_TO_DO}")


_JOBS: tuple[tuple[type[OrderRow | MailRow | TransmissionRow], str, str], ...] = (
    (OrderRow, "orders", "orders list"),
    (MailRow, "emails", "mail list"),
    (TransmissionRow, "transmissions", "relay transmissions"),
)


def queue(kit: Kit) -> Iterator[Finding]:
    """Count the jobs that wait, are overdue or have failed."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        for model, name, listed in _JOBS:
            waiting = _count(session, model.state == "open")
            overdue = _count(session, model.state == "open", model.due_at < now - _LATE)
            failed = _count(session, model.state == "failed", model.test.is_(False))
            text = f"{waiting} {name} open, {overdue} of them overdue, {failed} failed"
            if overdue:
                text += ". Is the server or `flask worker` running?"
            if failed:
                text += f". See `flask {listed} --state failed`"
            yield (warning if overdue or failed else ok)("queue", text)
        if parked := _count(session, OrderRow.state == "parked"):
            yield warning("queue", f"{parked} orders parked. See `flask orders list --state parked`")
        conditions = far_off.conditions(kit.settings.RETRY_SCHEDULE, now)
        for name, count in far_off.counts(session, conditions).items():
            text = (
                f"{count} {name} are due later than any retry, so the clock was ahead when they were scheduled. The "
                "server or `flask worker` makes them due within a minute"
            )
            yield warning("queue", text)


def _count(session: Session, *which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(*which)) or 0


def hints(kit: Kit) -> Iterator[Finding]:
    """Send a hint by what wakes the workers of other processes, if anything does, and see whether it comes back."""
    found = choosing.transport(kit.settings, "doctor")
    if found is None:
        return
    try:
        trouble = "" if choosing.comes_back(found) else "what was sent didn't come back; a pooler in front may lose it"
    except Exception as error:  # noqa: BLE001 - the library's own errors, or the network's
        trouble = errors.describe(error)
    if trouble:
        text = f"{found.name} wakes no workers: {trouble}. Jobs from other processes start up to a second later"
        yield warning("hints", text)
    else:
        yield ok("hints", f"{found.name} wakes the workers of other processes")


def mail(kit: Kit) -> Iterator[Finding]:
    """Connect to the mail server, if one is set, and log in."""
    if not kit.settings.MAIL_SERVER:
        return
    try:
        kit.transport.check()
    except MailNotDelivered as error:
        yield wrong("mail", str(error))
    else:
        login = " and accepts the login" if kit.settings.MAIL_USERNAME else ", without a login: MAIL_USERNAME isn't set"
        yield ok("mail", f"{kit.settings.MAIL_SERVER} answers{login}")


def mail_templates(kit: Kit) -> Iterator[Finding]:
    """Render every email by the current templates, including the merchant's own."""
    problems = [f"the one for {problem}. The built-in one is used instead" for problem in kit.own_mails.problems()]
    yield from wrong_or_ok("templates", problems, "all templates work")


def registrar(kit: Kit) -> Iterator[Finding]:
    """Check the website that customers are registered on, and count the failures."""
    registrar, name = kit.registrations.registrar, kit.settings.REGISTRAR
    if kit.settings.ACCOUNT_URL and not account_url(name, kit.settings.ACCOUNT_URL):
        text = "ACCOUNT_URL has no effect while REGISTRAR is accounts, which emails its own link. Empty it"
        yield warning("registrar", text)
    if registrar is None:
        if names_a_website(name):
            yield wrong("registrar", f"{name}: customers aren't registered until [registrar] in config.toml is fixed")
        else:
            yield ok("registrar", f"{name}: customers aren't registered on a website")
        return
    try:
        yield ok("registrar", registrar.check())
    except NotRegistered as error:
        yield wrong("registrar", str(error))
    except Exception as error:  # noqa: BLE001 - a registrar of the merchant's own may fail in any way
        yield wrong("registrar", f"its check failed: {errors.describe(error)} ({errors.location(error)})")
    with kit.database.read() as session:
        counts, newest = registrations.counts(session), registrations.newest_failed(session)
    text = f"customers waiting to be registered: {counts['open']}, failed: {counts['failed']}"
    if newest is not None:
        text += f". Latest error: {newest.detail} Fix it, then: flask customers register --all"
    yield (warning if newest else ok)("registrar", text)
