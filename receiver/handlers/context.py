"""What a handler gets beside the order: session, mail, http, settings, and the attempt's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from logging import Logger, LoggerAdapter
from typing import Any, Generic

from sqlalchemy.orm import Session
from typing_extensions import TypeVar
from urllib3 import PoolManager

from receiver.customers.account_links import note
from receiver.customers.records import apply_order, is_known
from receiver.customers.registrars import account_url, names_a_website, registrations
from receiver.handlers.services import OrderLog, Services
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.mail.message import Attachment, Draft, deterministic_message_id
from receiver.mail.outbox import check_mail
from receiver.orders import Order
from receiver.storage.models import HandlerRow, OrderRow

#: What a handler declares as its settings: ``Context[CourierSettings]`` gives ``context.own`` its type.
Own = TypeVar("Own", default=Any)


class Context(Generic[Own]):
    """The tools of one attempt of a handler.

    Whatever you do through ``session``, ``mail`` and ``forward`` takes effect together with the handler's "done",
    or not at all. Do slow work first: from the first use of ``session`` on, nobody else can write to the database;
    on PostgreSQL, no other run of this handler. If you hold it for more than 1.5 s, it's closed and the attempt fails.
    """

    def __init__(
        self, services: Services, row: OrderRow, handler_row: HandlerRow, order: Order, work: UnitOfWork
    ) -> None:
        self._services = services
        self._order_pk = row.id
        self._handler = handler_row.name
        self._run = handler_row.run
        self._event = f"{row.source}:{row.key}"
        self._work = work
        #: The order, the same object that the handler gets; it's a copy for this attempt only.
        self.order: Order = order
        #: Every setting by its name, except the secret ones. Settings that have moved to a built-in handler, such as
        #: ``CSV_FILE``, are still here under their former names; they're None while that handler is off.
        self.settings: Mapping[str, Any] = services.settings
        #: Whether this is a test order. If so, the session's work is rolled back, emails go to the merchant, and
        #: nothing is forwarded.
        self.test: bool = row.test
        #: Number of this attempt, from 1. If a replay runs the handler again, it starts from 1.
        self.attempt: int = handler_row.attempts
        #: Name of the source that the order came from; ``shopintegrator`` for a POST to ``/orders``.
        self.source: str = row.source
        #: The order's name in the console and the commands.
        self.receipt: str = row.receipt
        #: The same for every copy of this order's event, unique within its source.
        self.event_id: str = row.key
        #: The same for every attempt: send it to an API as the Idempotency-Key header. If a replay runs the handler
        #: again, that run has a key of its own.
        self.idempotency_key: str = f"{self._event}:{self._handler}:{self._run}"
        #: A logger that starts each line with the order's receipt; write no personal data to it.
        self.log: LoggerAdapter[Logger] = OrderLog(self._handler, row.receipt)

    @property
    def own(self) -> Own:
        """The handler's own settings, as the model that ``@handler(settings=…)`` declares.

        They come from ``[handlers.NAME]`` in config.toml or ``RECEIVER_HANDLERS__NAME__KEY`` in the environment. While
        they're wrong, reading them fails the attempt. Raises TypeError if the handler declares none.
        """
        own: Own = self._services.own_settings(self._handler)
        return own

    @property
    def session(self) -> Session:
        """The SQLAlchemy session on the receiver's database; its work commits together with "done".

        Its write transaction starts at the first use. Your own ``commit`` or ``rollback`` only ends a savepoint in
        it. It's closed for you. Raises RuntimeError if you close it, use it in a ``with`` block, or end the
        transaction through its connection or a COMMIT statement; and if you use it after the attempt is over.
        """
        return self._work.session()

    @property
    def http(self) -> PoolManager:
        """The urllib3 pool, with timeouts, that connects to public addresses, and to what HTTP_ALLOW names.

        An answer of 400 or higher doesn't raise: check its ``status``. Raises RuntimeError after the first use of
        ``session``, because slow work comes first.
        """
        if self._work.opened_at is not None:
            raise RuntimeError("Use context.http before context.session: slow work comes first.")
        return self._services.http

    def mail(
        self,
        /,
        to: str,
        template: str,
        subject: str | None = None,
        attachments: Sequence[Attachment] = (),
        reply_to: str | None = None,
        **values: Any,
    ) -> None:
        """Render an email now, and put it into the outbox together with "done".

        The template ``warehouse`` is ``warehouse.txt`` and, if there is one, ``warehouse.html``, in
        ``instance/templates/`` or else among the built-in ones. It gets ``order``, ``test`` and your ``values``. Its
        ``subject`` block is the subject, unless you give one. An attachment is (file name, media type, bytes).

        A value may have any name except those of the five arguments above, such as ``name="Ada"``. One named
        ``order``, ``test``, ``shop_name`` or ``brand`` replaces what the template would see there. Jinja keeps
        ``self`` and ``loop`` for itself, so a template can't read values with these names.

        The order's customer gets the email in the order's language, anybody else in the shop's, unless ``locale``
        is one of the values. On a test order the merchant gets it instead, in the shop's language. A ``reply_to``
        that isn't a deliverable address is left out.

        Raises ValueError if ``to`` is empty or an argument has the wrong type, so raise Skip first if the order has no
        email address. An address that can't receive email fails the email, not the handler.
        """
        attachments = tuple(attachments)
        check_mail(to, subject, reply_to, attachments)
        is_customer = to.strip().lower() == (self.order.customer.email or "").lower()
        reader = self.order.locale if is_customer and not self.test else None
        values = {"order": self.order, "test": self.test, "locale": reader, **values}
        rendered = self._services.templates.render(template, subject=subject, **values)
        self._work.drafts.append(
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

    def register_customer(self, *, later: bool = False) -> bool:
        """Add the order's customer, or update their record; return whether they're new.

        If REGISTRAR names a website, the customer is registered there soon after this handler is done. An order older
        than the customer's newest one only fills gaps. A customer who has claimed the account isn't changed. This
        opens the session, unless it's to be written ``later``, with "done": then both of two first orders at the same
        moment hear that the customer is new. Raises ValueError if the order has no email address: raise Skip first.
        """
        if not self.order.customer.email:
            raise ValueError("context.register_customer: the order has no email address")
        if not later or self._work.opened_at is not None:
            return self._register(self.session)
        is_first = not self._work.later
        self._work.do_later(self._register)
        with self._services.database.read() as session:
            return is_first and not is_known(session, self.order.customer.email)

    def _register(self, session: Session) -> bool:
        now = datetime.now(UTC)
        customer, is_new = apply_order(session, self.order, now=now)
        if names_a_website(self.settings["REGISTRAR"]):
            registrations.want(session, customer, now=now)
        return is_new

    @property
    def account_url(self) -> str:
        """The setting ACCOUNT_URL, your website's account page; empty if the accounts are the kit's own."""
        return account_url(self.settings["REGISTRAR"], self.settings["ACCOUNT_URL"])

    def claim_url(self) -> str | None:
        """Return a new link with which the order's customer claims the account, or None.

        It's None on a test order, if REGISTRAR isn't ``accounts``, once the account is claimed, and for an hour after
        the last link. That it was made is written with "done".
        """
        links, email, now = self._services.account_links, self.order.customer.email, datetime.now(UTC)
        if self.test or not email or not links.is_on:
            return None
        # A customer whom this attempt registers is seen by its own session alone.
        is_own = self._work.opened_at is not None or bool(self._work.later)
        with nullcontext(self.session) if is_own else self._services.database.read() as session:
            url, pk = links.for_new_customer(session, email, now=now) or (None, 0)
        if url:
            self._work.do_later(lambda session: note(session, pk, made_at=now))
        return url

    def once(self, key: str) -> bool:
        """Return True the first time this handler asks for this key, on any order, and False from then on.

        Use it if another system takes no idempotency key: ask, then act. The key is on disk before this returns, so
        you act at most once: if the attempt fails in between, the key is used up all the same. On a test order the
        answer is always True, and nothing is kept.

        Raises RuntimeError after the first use of ``session``, and ValueError if the key isn't text or is empty.
        """
        if not isinstance(key, str) or not key:
            raise ValueError(f"context.once: key must be text, not {key!r}")
        self._work.check_not_begun()
        return self.test or self._work.use_up(self._handler, key, order_pk=self._order_pk)

    def forward(self, url: str) -> None:
        """Send this order on to another server, once, however often this handler runs on it.

        The transmission is recorded together with "done". Then the relay sends it, signed with FORWARD_SECRET and
        with the event's own webhook-id. It tries for up to three days, and the Order Manager shows how it went. On a
        test order nothing is sent. Raises ConfigurationError for a URL that the relay can't send to.
        """
        self._services.forwarding.check(url)
        if not self.test and url not in self._work.forwards:
            self._work.forwards.append(url)

    def _message_id(self) -> str:
        ordinal, sender = len(self._work.drafts) + 1, self.settings["MAIL_DEFAULT_SENDER"]
        return deterministic_message_id(
            event_id=self._event, handler=self._handler, run=self._run, ordinal=ordinal, sender=sender
        )
