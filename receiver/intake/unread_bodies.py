"""Bodies of verified POSTs that couldn't be read: kept as parked rows, and read again later."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from receiver.errors import NotPossible, ReceiverError
from receiver.intake.authentication import Proof
from receiver.intake.inflating import inflated
from receiver.intake.order_row import basics, fields_as_kept, is_maybe_cut, media_type, what_was_read
from receiver.orders import FieldError, NotUnderstood, decode, mask
from receiver.orders.idempotency import blinded_key, digest
from receiver.orders.rough_text import rough_text, without_card_data
from receiver.security import kept_bodies
from receiver.security.kept_bodies import KeptBody
from receiver.security.keyring import Keyring
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources.registry import Sources
from receiver.sources.source import Source
from receiver.storage.models import OrderRow


def unread_row(
    body: KeptBody,
    error: ReceiverError,
    *,
    source: Source,
    proof: Proof,
    keyring: Keyring,
    secret_key: str,
    end_is_known: bool,
    received_at: datetime,
) -> dict[str, Any]:
    """Return the parked row of a body that couldn't be read because of an error; raises CardDataRefused.

    Copies are found by the bytes as they came. Bytes that are compressed in an unknown way can't be looked into.
    """
    came_as = digest(body.raw)
    may_be_cut = is_maybe_cut(end_is_known=end_is_known, proof=proof, source=source)
    headers = {name: keyring.redact_text(body.headers[name]) for name in source.kept_headers if name in body.headers}
    body = body._replace(may_be_cut=may_be_cut, headers=headers)
    notes: tuple[str, ...] = ()
    held_card_data = False
    if not body.content_encoding:
        rough = rough_text(body.raw, body.charset)
        cleaned = without_card_data(keyring.redact_text(rough.text))
        notes, held_card_data = cleaned.notes, cleaned.held_card_data
        if cleaned.text != rough.text:
            body = body._replace(raw=rough._replace(text=cleaned.text).raw)
    # A plain digest of bytes with a card number could be tried out.
    key = blinded_key(f"bytes {came_as}", secret_key)
    reading = NotUnderstood((FieldError("body", f"couldn't be read: {error}"),))
    return {
        **basics(source=source, proof=proof, keyring=keyring, received_at=received_at),
        "key": key,
        "encoding": media_type(mask(keyring.redact_text(body.content_type))),
        "fields": "[]",
        "fields_digest": key,
        "content_digest": key,
        "notes": to_json(notes).decode(),
        "held_card_data": held_card_data,
        "may_be_cut": False,
        "body": kept_bodies.sealed(secret_key, body),
        **what_was_read(reading, received_at, source=source, fields=[]),
    }


@dataclass(frozen=True, kw_only=True)
class UnreadBodies:
    """What reads kept bodies again."""

    settings: Settings = field(repr=False)
    sources: Sources
    shared_secrets: SharedSecrets

    def text(self, row: OrderRow) -> str | None:
        """Return a row's kept body for its owner to read; None without one, or under another SECRET_KEY."""
        body = self._opened(row)
        return None if body is None else body.text

    def read_again(self, row: OrderRow) -> None:
        """Give a row the fields of its kept body, once that can be decoded; the row is then like any parked one.

        Raises NotPossible with the reason while it can't.
        """
        body = self._opened(row)
        if body is None:
            raise NotPossible(f"The kept body of {row.receipt} was encrypted under another SECRET_KEY. Put that back.")
        source = self.sources.get(row.source)
        keyring = self.shared_secrets.keyring(of_sources=self.sources.secrets)
        try:
            plain = inflated(body.raw, body.content_encoding, self.settings.MAX_BODY_BYTES)
            decoded = decode(plain.raw, body.content_type, self.settings.MAX_FIELDS)
            fields = source.with_headers(body.headers, decoded.fields) if source.kept_headers else decoded.fields
            may_be_cut = body.may_be_cut and not decoded.carries_its_end
            columns = fields_as_kept(fields, (*plain.notes, *decoded.notes), keyring, source, may_be_cut=may_be_cut)
        except ReceiverError as error:
            raise NotPossible(f"{row.receipt} still can't be read: {error}") from error
        for name, value in columns.items():
            setattr(row, name, value)
        row.body = None

    def _opened(self, row: OrderRow) -> KeptBody | None:
        return kept_bodies.opened(self.settings.SECRET_KEY.get_secret_value(), row.body) if row.body else None
