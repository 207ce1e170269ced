"""What a handler is handed beside the order: session, mail, http, settings, and who it is being run for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import Logger, LoggerAdapter, getLogger
from typing import Any, Generic

from sqlalchemy.orm import Session
from typing_extensions import TypeVar
from urllib3 import PoolManager

from receiver.customers.account_links import AccountLinks
from receiver.customers.records import apply_order
from receiver.customers.registrars import account_url, registrations, tells_a_website
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.mail.message import Attachment, Draft, deterministic_message_id
from receiver.mail.outbox import check_mail
from receiver.mail.templates import MailTemplates
from receiver.orders import Order
from receiver.relay.forwarding import Forwarding
from receiver.storage.database import Database

#: What a handler declares as its settings: ``Context[CourierSettings]`` gives ``context.own`` its type.
Own = TypeVar("Own", default=Any)


@dataclass(frozen=True, kw_only=True)
class Services:
    """What all contexts of one app share."""

    database: Database
    templates: MailTemplates
    http: PoolManager
    forwarding: Forwarding
    account_links: AccountLinks
    #: All settings but the secret ones.
    settings: Mapping[str, Any]
    #: Gives the settings of its own that the handler of a name has.
    own_settings: Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The run of a handler on an order that an attempt belongs to."""

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


class _Log(LoggerAdapter[Logger]):
    """A logger whose lines start with the order's receipt."""

    def __init__(self, handler: str, receipt: str) -> None:
        super().__init__(getLogger(f"receiver.handlers.{handler}"), {})
        self._receipt = receipt

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        return f"{self._receipt}: {msg}", kwargs


class Context(Generic[Own]):
    """What one attempt of a handler works with.

    Whatever is done through ``session``, ``mail`` and ``forward`` takes effect together with the handler's "done",
    or not at all. Do slow work first: from the first use of ``session`` on nobody else can write, and held for more
    than 1.5 s it is closed and the attempt fails.
    """

    def __init__(self, services: Services, run: Run, order: Order, work: UnitOfWork) -> None:
        self._services = services
        self._run = run
        self._work = work
        #: The order, the same that the handler is given beside this; a copy for this attempt alone.
        self.order: Order = order
        #: Every setting by its name but the secret ones.
        self.settings: Mapping[str, Any] = services.settings
        #: Whether this is a test transmission: what is done through ``session`` is then rolled back, mail goes to
        #: the merchant, and nothing is forwarded.
        self.test: bool = run.test
        #: Number of this attempt, from 1. A replay that runs the handler again counts from 1 again.
        self.attempt: int = run.attempt
        #: Name of the source that the order came from; ``shopintegrator`` for a POST to ``/orders``.
        self.source: str = run.source
        #: Names the order in the console and in the commands.
        self.receipt: str = run.receipt
        #: The same for every copy of this order's event, unique within its source.
        self.event_id: str = run.event_id
        #: The same for every attempt, for the Idempotency-Key header of an API; a replay that runs the handler
        #: again has another.
        self.idempotency_key: str = f"{run.source}:{run.event_id}:{run.handler}:{run.run}"
        #: A logger that begins each line with the order's receipt; write no personal data to it.
        self.log: LoggerAdapter[Logger] = _Log(run.handler, run.receipt)

    @property
    def own(self) -> Own:
        """The handler's own settings, as the model that ``@handler(settings=…)`` declares.

        ``[handlers.NAME]`` in config.toml gives them, or ``RECEIVER_HANDLERS__NAME__KEY`` in the environment. While
        they are wrong, reading them fails the attempt, and the handler is tried again. Raises TypeError for a handler
        that declares none.
        """
        own: Own = self._services.own_settings(self._run.handler)
        return own

    @property
    def session(self) -> Session:
        """The SQLAlchemy session on the receiver's database; its work commits together with "done".

        Its write transaction begins at the first use; a ``commit`` or ``rollback`` of yours reaches no further than
        a savepoint in it. Do not close it, nor use it in a ``with`` block; it is closed for you. That, and what would
        end the transaction - COMMIT as a statement, ``commit`` of its connection - is refused with RuntimeError, as
        is every use once the attempt is over.
        """
        return self._work.session()

    @property
    def http(self) -> PoolManager:
        """The urllib3 pool, with timeouts, that connects to public addresses only.

        An answer of 400 and more is an answer, not an error: look at its ``status``. Raises RuntimeError while the
        session is open, since slow work comes first.
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
        """Render a mail now and put it into the outbox together with "done".

        The template ``warehouse`` is ``warehouse.txt`` and, if there is one, ``warehouse.html``, looked for in
        ``instance/templates/`` and then among the built-in ones. It is given ``order``, ``test`` and your
        ``values``; its ``subject`` block is the subject unless one is given. An attachment is (file name, media
        type, bytes).

        A value may have any name but those of the five arguments above, such as ``name="Ada"``. One named ``order``,
        ``test``, ``shop_name`` or ``brand`` takes the place of what the template would see there. Jinja keeps
        ``self`` and ``loop`` for itself, so a template cannot read values of these names.

        The order's customer is written to in the order's language, anybody else in the shop's, unless ``locale``
        is among the values. On a test transmission the merchant is written to instead, in the shop's language.
        A ``reply_to`` that nothing can be delivered to is left out.

        Raises ValueError when ``to`` is empty or an argument is of a wrong kind: when the order has no email
        address, raise Skip before. An address that nothing can be delivered to fails the mail, not the handler.
        """
        attachments = tuple(attachments)
        check_mail(to, subject, reply_to, attachments)
        reader = self.order.locale if self._is_customer(to) and not self.test else None
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

    def register_customer(self) -> bool:
        """Add the order's customer, or bring what is known of them up to date; tells whether they are new.

        Where REGISTRAR names a website, the customer is handed to it soon after this handler is done. An order that is
        older than the one last applied only fills gaps, and nothing changes for a customer who has claimed the account.
        It opens the session. Raises ValueError when the order has no email address: raise Skip before.
        """
        if not self.order.customer.email:
            raise ValueError("context.register_customer: the order has no email address")
        now = datetime.now(UTC)
        customer, is_new = apply_order(self.session, self.order, now=now)
        if tells_a_website(self.settings["REGISTRAR"]):
            registrations.want(self.session, customer, now=now)
        return is_new

    @property
    def account_url(self) -> str:
        """ACCOUNT_URL, where customers see their account at your website; empty when the accounts are here."""
        return account_url(self.settings["REGISTRAR"], self.settings["ACCOUNT_URL"])

    def claim_url(self) -> str | None:
        """Return a fresh link by which the order's customer claims the account, or None when none is due.

        None is due on a test transmission, when REGISTRAR is not ``accounts``, once the account is claimed, and
        within an hour of the last link. It opens the session.
        """
        email = self.order.customer.email
        if self.test or not email or not self._services.account_links.is_on:
            return None
        return self._services.account_links.for_new_customer(self.session, email, now=datetime.now(UTC))

    def once(self, key: str) -> bool:
        """Return True the first time that this handler asks for this key, of whatever order, and False ever after.

        For an effect outside that knows no idempotency key: ask, then do it. The answer is on disk before it is
        given, so the effect happens at most once; an attempt that fails in between has used the key up. On a test
        transmission the answer is True and nothing is kept.

        Ask before the first use of ``session``, or RuntimeError is raised. Raises ValueError for a key that is no
        text or empty.
        """
        if not isinstance(key, str) or not key:
            raise ValueError(f"context.once: key must be text, not {key!r}")
        self._work.check_not_begun()
        if self.test:
            return True
        return self._work.use_up(self._run.handler, key, order_pk=self._run.order_pk)

    def forward(self, url: str) -> None:
        """Send this order on to another server, once, however often this handler runs on it.

        It is recorded together with "done" and then sent by the relay: signed with FORWARD_SECRET, under the
        event's own webhook-id, again and again over three days until it has arrived; the Order Manager shows it. On
        a test transmission nothing is sent. Raises ConfigurationError for a URL that nothing can be sent to.
        """
        self._services.forwarding.check(url)
        if not self.test and url not in self._work.forwards:
            self._work.forwards.append(url)

    def _is_customer(self, to: str) -> bool:
        return to.strip().lower() == (self.order.customer.email or "").lower()

    def _message_id(self) -> str:
        event_id = f"{self._run.source}:{self._run.event_id}"
        return deterministic_message_id(
            event_id=event_id,
            handler=self._run.handler,
            run=self._run.run,
            ordinal=len(self._work.drafts) + 1,
            sender=self.settings["MAIL_DEFAULT_SENDER"],
        )
