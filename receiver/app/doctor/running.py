"""Look at what has to run for orders to be handled, each of it for real, and say how to mend what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from receiver import errors
from receiver.app import far_off
from receiver.app.components import Kit
from receiver.app.doctor import set_up
from receiver.app.doctor.finding import Finding
from receiver.customers import clock_notice
from receiver.customers.registrars import NotRegistered, account_url, registrations, tells_a_website
from receiver.intake import refusals
from receiver.intake.refusal_advice import advice
from receiver.mail.message import MailNotDelivered
from receiver.sources.source import DEFAULT
from receiver.storage import same_id
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: A large day's orders and mails, and a backup before an upgrade.
_LEAST_FREE_MB = 100


def disk(kit: Kit) -> Iterator[Finding]:
    """Check that there's room for new orders; a small row may fit where an order doesn't."""
    if not kit.instance.is_dir():
        return
    free = shutil.disk_usage(kit.instance).free // 1_000_000
    if free < _LEAST_FREE_MB:
        text = f"only {free} MB free at {kit.instance}. Free some space: once it's full, orders get a 503"
        yield Finding("disk", "wrong", text)
    else:
        yield Finding("disk", "ok", f"{free} MB free")


def clock(kit: Kit) -> Iterator[Finding]:
    """Judge the clock by signed POSTs and by the upkeep's heartbeat: nobody else tells the time here."""
    with kit.database.read() as session:
        off = refusals.counts_since(session, datetime.now(UTC) - timedelta(days=1)).get("clock_off", 0)
    if off:
        text = f"POSTs in 24 h whose time was more than 300 s off: {off}. Sync this machine's clock with NTP"
        yield Finding("clock", "warning", text)
    else:
        yield Finding("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; no signed POST disagreed in 24 h")
    if suspended := kit.retention.suspension(datetime.now(UTC)):
        text = f"{clock_notice.nothing_is_purged(suspended)} {clock_notice.WHAT_TO_DO}"
        yield Finding("clock", "warning", text)


def refused(kit: Kit) -> Iterator[Finding]:
    """Yield the newest refusal of each reason, and what ends it."""
    with kit.database.read() as session:
        newest = refusals.newest_of_each_reason(session, datetime.now(UTC) - timedelta(days=1))
    for row in newest:
        url = "/orders" if row.source == DEFAULT else f"/orders/{row.source}"
        text = f"{row.at:%Y-%m-%d %H:%M} UTC on {url}: {row.detail} {advice(row.reason).next_step}"
        yield Finding("refused", "warning", text)
    if not newest:
        yield Finding("refused", "ok", "no POST refused in 24 h")


_JOBS: tuple[tuple[type[OrderRow | MailRow | TransmissionRow], str, str], ...] = (
    (OrderRow, "orders", "orders list"),
    (MailRow, "emails", "mail list"),
    (TransmissionRow, "transmissions", "relay transmissions"),
)


def queue(kit: Kit) -> Iterator[Finding]:
    """Count the jobs that wait, are overdue or have failed."""
    late = datetime.now(UTC) - timedelta(minutes=5)
    with kit.database.read() as session:
        for model, name, listed in _JOBS:
            waiting = session.scalar(select(func.count()).where(model.state == "open")) or 0
            overdue = session.scalar(select(func.count()).where(model.state == "open", model.due_at < late)) or 0
            failed = session.scalar(select(func.count()).where(model.state == "failed", model.test.is_(False))) or 0
            state = "warning" if overdue or failed else "ok"
            text = f"{waiting} {name} open, {overdue} of them overdue, {failed} failed"
            if overdue:
                text += ". Is the server or `flask worker` running?"
            if failed:
                text += f". See `flask {listed} --state failed`"
            yield Finding("queue", state, text)
        parked = session.scalar(select(func.count()).where(OrderRow.state == "parked")) or 0
        if parked:
            yield Finding("queue", "warning", f"{parked} orders parked. See `flask orders list --state parked`")
        for name, count in far_off.counts(session, kit.settings.RETRY_SCHEDULE, datetime.now(UTC)).items():
            text = (
                f"{count} {name} are due later than any retry, so the clock was ahead when they were scheduled. The "
                "server or `flask worker` makes them due within a minute"
            )
            yield Finding("queue", "warning", text)


def one_id(kit: Kit) -> Iterator[Finding]:
    """Count what came lately under an id that something else has, and warn of two completed orders."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        events, orders = same_id.count(session, now), same_id.count_of_orders(session, now)
    text = f"events in {same_id.LATELY.days} days that share an id with another event: {events}"
    if events:
        text += f", {orders} of them two completed orders. See `flask orders list --same-id`"
    if orders:
        text += (
            ". Each was stored and processed. Does the shop use one event_id for several orders, or does your mapping "
            "read event_id from a parameter that isn't unique? If so, remove event_id from the mapping"
        )
    yield Finding("same id", "warning" if orders else "ok", text)


def mail(kit: Kit) -> Iterator[Finding]:
    """Connect to the mail server and log in."""
    yield from set_up.mail_server(kit)
    if not kit.settings.MAIL_SERVER:
        return
    try:
        kit.transport.check()
    except MailNotDelivered as error:
        yield Finding("mail", "wrong", str(error))
    else:
        login = " and accepts the login" if kit.settings.MAIL_USERNAME else ", without a login: MAIL_USERNAME isn't set"
        yield Finding("mail", "ok", f"{kit.settings.MAIL_SERVER} answers{login}")


def mail_templates(kit: Kit) -> Iterator[Finding]:
    """Write every mail by the templates as they are, the shop's own included."""
    problems = kit.own_mails.problems()
    for problem in problems:
        yield Finding("templates", "wrong", f"the one for {problem}. The built-in one is used instead")
    if not problems:
        yield Finding("templates", "ok", "all templates work")


def registrar(kit: Kit) -> Iterator[Finding]:
    """Check the website that customers are registered with, and count the failures."""
    registrar = kit.registrations.registrar
    if kit.settings.ACCOUNT_URL and not account_url(kit.settings.REGISTRAR, kit.settings.ACCOUNT_URL):
        text = "ACCOUNT_URL has no effect while REGISTRAR is accounts, which emails its own link. Empty it"
        yield Finding("registrar", "warning", text)
    if registrar is None and tells_a_website(kit.settings.REGISTRAR):
        text = f"{kit.settings.REGISTRAR}: customers aren't registered until [registrar] in config.toml is fixed"
        yield Finding("registrar", "wrong", text)
        return
    if registrar is None:
        yield Finding("registrar", "ok", f"{kit.settings.REGISTRAR}: customers aren't registered on a website")
        return
    try:
        yield Finding("registrar", "ok", registrar.check())
    except NotRegistered as error:
        yield Finding("registrar", "wrong", str(error))
    except Exception as error:  # noqa: BLE001 - a registrar of the merchant's own may fail in any way
        yield Finding("registrar", "wrong", f"its check failed: {errors.describe(error)} ({errors.location(error)})")
    with kit.database.read() as session:
        counts, newest = registrations.counts(session), registrations.newest_failed(session)
    text = f"customers waiting to be registered: {counts['open']}, failed: {counts['failed']}"
    if newest is not None:
        text += f". Latest error: {newest.detail} Fix it, then: flask customers register --all"
    yield Finding("registrar", "warning" if newest else "ok", text)
