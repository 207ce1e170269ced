"""What a handler is handed beside the order: session, mail, http, settings, and who it is being run for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session
from urllib3 import PoolManager

from receiver import once
from receiver.account.links import AccountLinks
from receiver.database import Database, WriteTransaction
from receiver.mail import deterministic_message_id
from receiver.mail_templates import MailTemplates
from receiver.orders import Order
from receiver.outbox import Attachment, Draft
from receiver.relay.forwarding import Forwarding


@dataclass(frozen=True, kw_only=True)
class Services:
    """Holds what all contexts of one app share."""

    database: Database
    templates: MailTemplates
    http: PoolManager
    forwarding: Forwarding
    account_links: AccountLinks
    #: All settings but the secret ones.
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Says which run of which handler on which order an attempt belongs to."""

    handler: str
    #: The order's idempotency key within its source, and the source.
    event_id: str
    source: str
    receipt: str
    #: Primary key of the order's row; None when it has none.
    order_pk: int | None
    run: int
    attempt: int
    test: bool


class Context:
    """Gives one attempt of a handler what it works with.

    Whatever is done through ``session`` and ``mail`` takes effect together with the handler's "done", or not at
    all. Do slow work first: from the first use of ``session`` on, no other write can happen, and after 2 s the
    session is closed and the attempt fails.
    """

    def __init__(self, services: Services, run: Run, order: Order) -> None:
        self._services = services
        self._run = run
        #: The order, as the handler is given it.
        self.order = order
        self._transaction: WriteTransaction | None = None
        self._session: Session | None = None
        self._mutex = threading.Lock()
        self._closed = False
        #: When the session's write transaction was opened, by ``time.monotonic``; None before.
        self.opened_at: float | None = None
        #: Mails to be written with "done".
        self.drafts: list[Draft] = []
        #: URLs that the order is forwarded to, to be written with "done".
        self.forwards: list[str] = []
        #: All settings but the secret ones.
        self.settings = services.settings
        #: Whether this is a test transmission.
        self.test = run.test
        #: Number of this attempt, from 1.
        self.attempt = run.attempt
        #: Name of the source that the order came from.
        self.source = run.source
        #: The same for every copy of this order's event, unique within its source.
        self.event_id = run.event_id
        #: The same for every attempt of this run of this handler; for the Idempotency-Key header of an API.
        self.idempotency_key = f"{run.source}:{run.event_id}:{run.handler}:{run.run}"
        self.log = logging.LoggerAdapter(
            logging.getLogger(f"receiver.handlers.{run.handler}"), {"receipt": run.receipt}
        )

    @property
    def session(self) -> Session:
        """Open the write transaction at first use; its work commits together with this handler's "done"."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; its session can no longer be used.")
            if self._session is None:
                self._transaction = self._services.database.begin_write()
                self.opened_at = time.monotonic()
                self._session = Session(self._transaction.connection, join_transaction_mode="create_savepoint")
            return self._session

    @property
    def http(self) -> PoolManager:
        """Give the HTTP client; raises RuntimeError while the session is open, since slow work comes first."""
        if self._session is not None:
            raise RuntimeError("Use context.http before context.session: slow work comes first.")
        return self._services.http

    def mail(
        self,
        to: str,
        template: str,
        subject: str | None = None,
        attachments: Sequence[Attachment] = (),
        reply_to: str | None = None,
        **values: Any,
    ) -> None:
        """Render a mail now and put it into the outbox together with "done".

        ``template.txt`` and, if there is one, ``template.html`` are looked for in ``instance/templates/`` and
        then among the built-in ones; the subject is the template's block unless given. The order's customer is
        written to in the order's language, anybody else in the shop's, unless ``locale`` says otherwise. An
        attachment is (file name, media type, bytes). On a test transmission the merchant is written to instead, in
        the shop's language. Raises ValueError at once for what could not be sent: when the order has no e-mail
        address, raise Skip before.
        """
        attachments = tuple(attachments)
        _check_mail(to, subject, reply_to, attachments)
        reader = self.order.locale if self._is_customer(to) and not self.test else None
        values = {"order": self.order, "test": self.test, "locale": reader, **values}
        rendered = self._services.templates.render(template, subject=subject, **values)
        self.drafts.append(
            Draft(
                message_id=self._message_id(),
                recipient=self.settings["MERCHANT_EMAIL"] if self.test else to,
                subject=f"[Test] {rendered.subject}" if self.test else rendered.subject,
                text=rendered.text,
                html=rendered.html,
                reply_to=reply_to,
                attachments=attachments,
            )
        )

    def claim_url(self) -> str | None:
        """Give a fresh link by which the order's customer claims the account; None when none is due.

        None is due on a test, without accounts, once the account is claimed, and within an hour of the last link.
        """
        email = self.order.customer.email
        if self.test or not email or not self._services.account_links.is_on:
            return None
        return self._services.account_links.for_new_customer(self.session, email, now=datetime.now(UTC))

    def once(self, key: str) -> bool:
        """Give True the first time that this handler asks for this key, of whatever order, and False ever after.

        For an effect outside that knows no idempotency key: ask, then do it. The answer is on disk before it is
        given, so the effect happens at most once; an attempt that fails in between has used the key up. Slow work
        may follow; ask before the first use of ``session``, or RuntimeError is raised. On a test transmission the
        answer is True and nothing is kept.
        """
        if not isinstance(key, str) or not key:
            raise ValueError(f"context.once: key must be text, not {key!r}")
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; it can do nothing more.")
            if self._session is not None:
                raise RuntimeError("Use context.once before context.session: it is written down at once, by itself.")
        if self.test:
            return True
        return once.ask(self._services.database, self._run.handler, key, order_pk=self._run.order_pk)

    def forward(self, url: str) -> None:
        """Send this order on to another server, once, however often this handler runs on it.

        It is recorded together with "done" and then sent by the relay: signed with FORWARD_SECRET, under the
        event's own webhook-id, again and again over three days until it has arrived; the Order Manager shows it.
        Raises ConfigurationError for a URL that nothing can be sent to. On a test transmission nothing is sent.
        """
        self._services.forwarding.check(url)
        if not self.test and url not in self.forwards:
            self.forwards.append(url)

    # What follows is for the kit; a handler leaves it alone.

    def transaction(self) -> WriteTransaction:
        """Give the transaction that "done" commits in: the session's, its work flushed, or a fresh one."""
        if self._session is not None:
            self._session.commit()
        elif self._transaction is None:
            self._transaction = self._services.database.begin_write()
        assert self._transaction is not None  # noqa: S101 - opened just now or with the session
        return self._transaction

    def close(self) -> None:
        """Roll back what was not committed; the handler's function has returned."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            if self._session is not None:
                with suppress(Exception):  # the function may have left its session in any state
                    self._session.close()
            if self._transaction is not None:
                self._transaction.close()

    def cut_off(self) -> None:
        """Close the session under a function that still runs, so that nothing it does later can take effect."""
        with self._mutex:
            self._closed = True
            if self._transaction is not None:
                self._transaction.cut_off()

    def _is_customer(self, to: str) -> bool:
        return to.strip().lower() == (self.order.customer.email or "").lower()

    def _message_id(self) -> str:
        domain = self.settings["MAIL_DEFAULT_SENDER"].rpartition("@")[2]
        event_id = f"{self._run.source}:{self._run.event_id}"
        return deterministic_message_id(
            event_id=event_id, handler=self._run.handler, run=self._run.run, ordinal=len(self.drafts) + 1, domain=domain
        )


def _check_mail(to: object, subject: object, reply_to: object, attachments: Sequence[object]) -> None:
    """Raise ValueError for what would fail only when the mail is written down, far from the handler's line."""
    if not isinstance(to, str) or not to:
        raise ValueError(f"context.mail: to must be an e-mail address, not {to!r}; raise Skip when the order has none")
    for name, text in (("subject", subject), ("reply_to", reply_to)):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"context.mail: {name} must be text, not {text!r}")
    if not all(_is_attachment(one) for one in attachments):
        raise ValueError("context.mail: each attachment must be (file name, media type, bytes)")


def _is_attachment(one: object) -> bool:
    if not isinstance(one, tuple | list) or len(one) != 3:
        return False
    name, media_type, content = one
    return isinstance(name, str) and isinstance(media_type, str) and isinstance(content, bytes)
