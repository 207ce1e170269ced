"""The quarantine: POSTs whose shop must be asked, kept for a day at most, encrypted, and seen by nobody.

Anybody can fill it, so it's bounded: in rows of each source, in bytes of each row, and in time.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from pydantic_core import to_json
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from receiver.errors import CardDataRefused, EmptyBody, TooLargeToAsk, Unauthenticated, Unavailable, location
from receiver.intake.posts import Post
from receiver.orders import Fields, guard
from receiver.orders.card_guard import safe_name
from receiver.orders.idempotency import blinded_key, digest
from receiver.security import encryption
from receiver.security.keyring import Keyring
from receiver.security.signing import SignatureProblem
from receiver.sources import proofs
from receiver.sources.asking import Question, Unverified
from receiver.sources.source import Source
from receiver.storage.database import Database
from receiver.storage.models import QuarantineRow
from receiver.storage.write_lock import ACCEPT_PATIENCE

#: Most POSTs of one source that wait at once, and of those most of one address, so that it can't keep others out.
MOST_ROWS, MOST_OF_ADDRESS = 1_000, 400
#: Most bytes of one.
MOST_BYTES = 65_536
#: How long one waits for an answer of its shop.
KEPT_FOR = timedelta(hours=24)
#: Seconds between two lines in the log about a full one.
_TOLD_EVERY = 60

log = logging.getLogger(__name__)


class QuarantineFull(Unavailable):
    """Raised when too many POSTs wait until their shop was asked; the log was told already."""


class Kept(NamedTuple):
    """What's kept of one POST."""

    fields: Fields
    #: What was done to the fields.
    notes: list[str]
    #: Whether that was card data.
    held_card_data: bool
    #: By their names in small letters: those that the question needs, and those that count as fields.
    headers: Mapping[str, str]
    content_type: str | None
    #: What the question needs of the bytes.
    body: bytes

    @property
    def unverified(self) -> Unverified:
        """The POST as a question gets it."""
        return Unverified(self.headers, self.body, self.fields)


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """What keeps such POSTs."""

    database: Database
    secret_key: str = field(repr=False)
    #: By source, when the log was last told that it's full, in seconds of the monotonic clock.
    _told_at: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def add(self, post: Post, source: Source, question: Question, keyring: Keyring, *, require_signature: bool) -> None:
        """Keep a POST until its shop was asked; the same one again, while one waits, is counted alone.

        Raises ReceiverError for what can't be the shop's or may not be kept, and QuarantineFull.
        """
        if source.trouble:
            raise proofs.in_trouble()
        if not source.secrets:
            raise Unauthenticated("no_secret_of_source", proofs.without_secrets(source))
        if require_signature and not question.covers_body:
            raise proofs.not_signed_as_a_whole(source.name)
        with self.database.read() as session:  # before any work on the body, which anybody can send
            self._refuse_if_full(session, source.name, post.delivery.address)
        kept = _kept(post, source, question, keyring)
        same_as = blinded_key(f"waiting {digest(post.body.raw)} {sorted(kept.headers.items())}", self.secret_key)
        with self.database.write(ACCEPT_PATIENCE) as session:
            mine = QuarantineRow.source == source.name, QuarantineRow.digest == same_as
            again = update(QuarantineRow).where(*mine).values(times=QuarantineRow.times + 1)
            if session.scalars(again.returning(QuarantineRow.id)).first() is not None:
                return
            self._refuse_if_full(session, source.name, post.delivery.address)
            at = post.delivery.received_at
            session.add(
                QuarantineRow(
                    state="open",
                    due_at=at,
                    received_at=at,
                    source=source.name,
                    digest=same_as,
                    sent=_sealed(self.secret_key, kept),
                    address=post.delivery.address,
                )
            )

    def _refuse_if_full(self, session: Session, source: str, address: str | None) -> None:
        """Raise QuarantineFull if no more fits, of the source or of the address; anybody can send many of them."""
        of_address = func.count().filter(QuarantineRow.address == address)
        counted = select(func.count(), of_address).where(QuarantineRow.source == source)
        waiting, of_sender = session.execute(counted).one()
        if waiting < MOST_ROWS and of_sender < MOST_OF_ADDRESS:
            return
        now = time.monotonic()
        if now - self._told_at.get(source, -_TOLD_EVERY) >= _TOLD_EVERY:
            self._told_at[source] = now
            log.error(
                "The quarantine of the source %s is full: %d POSTs wait, of one address %d, and more are answered 503. "
                "`flask doctor` says why they wait.",
                source,
                waiting,
                of_sender,
            )
        raise QuarantineFull("Too many POSTs wait until the shop was asked about them; send it again later.")


def opened(secret_key: str, stored: str) -> Kept | None:
    """Return what was kept of a POST; None for one that was encrypted under another SECRET_KEY."""
    plain = encryption.decrypted_bytes(secret_key, stored)
    if plain is None:
        return None
    fields, notes, held_card_data, headers, content_type, body = json.loads(plain)
    pairs = [(name, value) for name, value in fields]
    return Kept(pairs, notes, held_card_data, headers, content_type, base64.b64decode(body))


def counts(session: Session) -> dict[str, int]:
    """Return how many wait, by source."""
    counted = select(QuarantineRow.source, func.count()).group_by(QuarantineRow.source).order_by(QuarantineRow.source)
    return dict(session.execute(counted).all())


def oldest(session: Session, source: str) -> QuarantineRow | None:
    """Return the POST of a source that has waited for longest."""
    mine = select(QuarantineRow).where(QuarantineRow.source == source)
    return session.scalars(mine.order_by(QuarantineRow.received_at, QuarantineRow.id).limit(1)).first()


def _kept(post: Post, source: Source, question: Question, keyring: Keyring) -> Kept:
    """Return what's kept of a POST that may be the shop's: nothing that isn't needed, and no card data."""
    decoded = post.decoded
    body, headers = post.as_kept(), post.delivery.headers
    if not decoded.fields:
        raise EmptyBody("The body has no fields, so there's nothing to ask the shop about.")
    if len(body.raw) > MOST_BYTES:
        raise TooLargeToAsk(f"The body has more than {MOST_BYTES} bytes, the most that wait until the shop was asked.")
    names = dict.fromkeys(name.lower() for name in (*question.headers, *source.kept_headers))
    named = {name: headers[name] for name in names if name in headers}
    needed = _checked(question, Unverified(named, body.raw, decoded.fields), source.secrets)
    guarded = guard(decoded.fields)
    if needed == body.raw and guarded.masked != decoded.fields:
        # These very bytes would have to be kept, and sent back.
        changed = {name for name, _ in set(decoded.fields) - set(guarded.masked)}
        raise CardDataRefused(sorted(map(safe_name, changed)))
    return Kept(
        fields=keyring.redact(guarded.masked),
        notes=[*decoded.notes, *guarded.notes],
        held_card_data=guarded.held_card_data,
        headers=named,
        content_type=headers.get("content-type"),
        body=needed,
    )


def _checked(question: Question, sent: Unverified, secrets: Sequence[str]) -> bytes:
    """Return what a question needs of the bytes, if the POST may be the shop's.

    It may be the merchant's own, so whatever it does wrong refuses the POST.
    """
    try:
        needed = question.keeps(sent.body)
        question.check(sent._replace(body=needed), secrets)
    except SignatureProblem as problem:
        raise Unauthenticated(problem.reason, problem.detail) from problem
    except Exception as error:
        raise Unauthenticated("scheme_failed", f"The question of this source failed: {location(error)}.") from error
    return needed


def _sealed(secret_key: str, kept: Kept) -> str:
    *others, body = kept
    return encryption.encrypted_bytes(secret_key, to_json([*others, base64.b64encode(body).decode()]))
