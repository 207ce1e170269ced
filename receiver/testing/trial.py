"""An order that a handler was run on, in a test: what became of it, and running it again."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import default as email_policy
from pathlib import Path

from sqlalchemy import func, inspect, select, table

from receiver.app.components import Kit
from receiver.dispatch.trial import RECORDS
from receiver.storage import order_queries
from receiver.storage.models import HandlerRow, MailRow


@dataclass
class Trial:
    """An order that a handler was run on, in an instance of the test's own."""

    #: The parts of the app that it ran in; ``kit.database.read()`` opens a session on the instance's database.
    kit: Kit
    #: The handler's.
    name: str
    #: The order's.
    receipt: str
    #: What ``rows_of_its_own`` gave before the order came.
    before: dict[str, int]
    _outbox: list[MailRow]

    @property
    def state(self) -> str:
        """Return ``done``, ``skipped``, ``retrying`` or ``failed``."""
        return self.row.state

    @property
    def detail(self) -> str | None:
        """What the handler returned, or why it failed."""
        return self.row.detail

    @property
    def row(self) -> HandlerRow:
        """The receiver's record of the handler on this order, with ``attempts`` and ``due_at``."""
        with self.kit.database.read() as session:
            return next(row for row in order_queries.find(session, self.receipt).handlers if row.name == self.name)

    def again(self) -> None:
        """Run the handler on the same order once more, as a new run of it."""
        self.kit.trials.on_order(self.name, self.receipt, dry_run=False)
        self.run()

    def run(self) -> None:
        """Run what's due, and write the emails as files into the instance's ``outbox`` folder."""
        while self.kit.processor.run_next() or self.kit.outbox.run_next():
            pass
        with self.kit.database.read() as session:
            self._outbox[:] = session.query(MailRow).order_by(MailRow.id)

    def harm(self) -> list[str]:
        """Return what went wrong: not done or skipped, an email not sent, or sent with injected headers."""
        state = self.state
        found = [] if state in {"done", "skipped"} else [f"{state}: {self.detail}"]
        sent = _headers_of(self.kit.instance / "outbox")
        order_pk = self.row.order_pk
        for mail in [mail for mail in self._outbox if mail.order_pk == order_pk]:
            if mail.state != "sent":
                found.append(f"an email is {mail.state}: {mail.detail}")
            elif not _is_as_given(sent[mail.message_id], mail):
                found.append(f"an email was sent with these headers: {sent[mail.message_id].items()}")
        return found

    def rows_of_its_own(self) -> dict[str, int]:
        """Count the rows of every table but the receiver's own records."""
        return count_rows(self.kit)


def count_rows(kit: Kit) -> dict[str, int]:
    """Count the rows of every table but those that the receiver itself writes for an order."""
    with kit.database.read() as session:
        tables = set(inspect(session.connection()).get_table_names()) - RECORDS
        return {name: session.scalar(select(func.count()).select_from(table(name))) or 0 for name in tables}


def _headers_of(folder: Path) -> dict[str, Message]:
    """Return the headers of every email that was sent, by Message-ID."""
    parser = BytesHeaderParser(policy=email_policy)
    messages = [parser.parsebytes(path.read_bytes()) for path in folder.glob("*.eml")]
    return {str(message["Message-ID"]): message for message in messages}


def _is_as_given(message: Message, mail: MailRow) -> bool:
    names = [name.lower() for name in message]
    return (
        names.count("to") == names.count("subject") == 1
        and not {"bcc", "cc"} & set(names)
        and message["To"] == mail.recipient
    )
