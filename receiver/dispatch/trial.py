"""Run one handler on one order and say what it did: for real, or on a copy of the database that's thrown away."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.dispatch import replay
from receiver.dispatch.attempt import Attempts
from receiver.dispatch.processor import Processor
from receiver.dispatch.row_changes import Change, watched
from receiver.errors import NotThere
from receiver.handlers.registry import Registry
from receiver.intake.order_row import of_order
from receiver.mail import outbox
from receiver.orders import Understood
from receiver.orders.sample import dummy_order
from receiver.orders.states import COMPLETED, EVENTS
from receiver.sources.source import DEFAULT
from receiver.storage import order_queries
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, MailRow, OrderRow
from receiver.storage.thrown_away import copy_of

#: The tables that the receiver itself writes to when it runs a handler.
RECORDS = frozenset({"orders", "order_handlers", "handler_attempts", "mails"})
_RENEW_SECONDS = 1.0


@dataclass(frozen=True)
class TrialRun:
    """What one attempt of a handler did with an order."""

    #: The handler's row, with state, detail and milliseconds.
    row: HandlerRow
    order_id: str | None
    mails: Sequence[MailRow]
    #: What it changed in all tables except RECORDS; None for a run that counts, when others write too.
    changes: Sequence[Change] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types, with the whole text of each email."""
        return {
            "handler": self.row.name,
            "order_id": self.order_id,
            "state": self.row.state,
            "detail": self.row.detail,
            "milliseconds": self.row.milliseconds or 0,
            "mails": [{"to": mail.recipient, "subject": mail.subject, "text": mail.text} for mail in self.mails],
            "changes": [{"kind": change.kind, **asdict(change)} for change in self.changes or ()],
        }


@dataclass(frozen=True)
class HandlerTrials:
    """What runs one handler on one order, beside the queue."""

    processor: Processor

    def on_order(self, name: str, order: str, *, dry_run: bool) -> TrialRun:
        """Run a handler on a kept order, named by its receipt or order id, as a new run of it.

        A ``dry_run`` changes nothing in the database and sends no email. Raises ConfigurationError if there's no such
        handler or order, or if the handler can't run on it.
        """
        return self._on(name, lambda session: order_queries.find_by_either(session, order), on_copy=dry_run)

    def on_sample(self, name: str, *, dry_run: bool) -> TrialRun:
        """Run a handler on the sample order as if it were a real one; the database keeps nothing of the order.

        The sample is of the first event that the handler runs on. Unless it's a ``dry_run``, the emails are sent to
        the merchant, whoever they were for. Raises NotThere if there's no such handler.
        """
        events = next((one.events for one in self.processor.registry.found() if one.name == name), ())
        decided = next((word for word, event in EVENTS.items() if event in events), COMPLETED)
        trial = self._on(name, lambda session: _add_sample(session, decided), on_copy=True)
        if trial.mails and not dry_run:
            merchant = self.processor.attempts.services.settings["MERCHANT_EMAIL"]
            with self.processor.database.write() as session:
                for mail in trial.mails:
                    draft = replace(outbox.draft_of(mail), recipient=merchant, subject=f"[Test] {mail.subject}")
                    outbox.add(session, draft, now=datetime.now(UTC), handler=name, test=True)
        return trial

    def _on(self, name: str, find: Callable[[Session], OrderRow], *, on_copy: bool) -> TrialRun:
        """Run a handler on the order that is found; on a copy of the database, see what changes too."""
        live = self.processor.database
        registry = _with(self.processor.registry, name)
        with copy_of(live) if on_copy else nullcontext(live) as database:
            with database.write() as session:
                row = find(session)
                replay.take(session, row, registry=self.processor.registry, handler=name)
            if not on_copy:
                return self._run(database, registry, name, row)
            with watched(database, without=RECORDS) as changes:
                trial = self._run(database, registry, name, row)
            return replace(trial, changes=changes)

    def _run(self, database: Database, registry: Registry, name: str, row: OrderRow) -> TrialRun:
        """Make the attempt as the queue would, and return its results."""
        leases, usual = Leases(database), self.processor.attempts
        attempts = Attempts(replace(usual.services, database=database), usual.schedule)
        processor = Processor(database, leases, registry, attempts)
        with database.read() as session:
            newest = session.scalar(select(func.max(MailRow.id))) or 0
        one = _kept_alive(processor, leases, row.id, name)
        mine = MailRow.order_pk == row.id, MailRow.handler == name, MailRow.id > newest
        with database.read() as session:
            mails = session.scalars(select(MailRow).where(*mine).order_by(MailRow.id)).all()
        return TrialRun(one, row.order_id, mails)


def _with(registry: Registry, name: str) -> Registry:
    """Return a registry with this handler; one that's left out gets one attempt, because nobody would retry it."""
    if registry.get(name):
        return registry
    left_out = {handler.name: handler for handler in registry.left_out}
    if name in left_out:
        return replace(registry, handlers=(*registry.handlers, replace(left_out[name], retries=0)))
    for handler, reason in registry.not_loaded:
        if handler.name == name:
            raise NotThere(reason)
    known = ", ".join(sorted({*left_out, *(handler.name for handler in registry.handlers)}))
    raise NotThere(" ".join([f"No handler is named {name[:64]}; there are {known}.", *registry.problems]))


def _add_sample(session: Session, decided: str) -> OrderRow:
    now = datetime.now(UTC)
    sample = dummy_order(now=now, nonce=secrets.token_hex(8), event=EVENTS[decided])
    order = sample.model_copy(update={"test": False})
    row = OrderRow(
        source=DEFAULT,
        key=order.event_id,
        encoding="",
        fields="[]",
        fields_digest="",
        notes="[]",
        proof="none",
        fingerprint="",
        received_at=now,
        **of_order(Understood(order, decided), now),
    )
    session.add(row)
    session.flush()
    return row


def _kept_alive(processor: Processor, leases: Leases, pk: int, name: str) -> HandlerRow:
    """Renew the order's lease while its handler runs, so that no serving process takes it over."""
    with ThreadPoolExecutor(1, "handler-trial") as pool:
        running = pool.submit(processor.run_one, pk, name)
        while wait([running], _RENEW_SECONDS).not_done:
            leases.renew()
    return running.result()
