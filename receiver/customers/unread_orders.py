"""Find a person in orders that were never read: in their values, in bodies that weren't decoded, in quarantine."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import unquote_plus

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.orders.email_addresses import normalised
from receiver.security import encryption, kept_bodies
from receiver.storage.models import IS_UNREAD, OrderRow, QuarantineRow

#: Longer values of unread orders aren't searched: normalising a long text takes long.
_LONGEST_ADDRESS = 1000
#: What stands before and after an email in a text that wasn't decoded.
_AROUND_ADDRESSES = re.compile(r"""[\s"'<>()\[\]{},;:=&\\/|\0]+""")


def naming(session: Session, email: str, secret_key: str) -> list[int]:
    """Return the unread orders that have this email in any of their values, or in a body that couldn't be read."""
    alone = re.compile(rf"(?<![\w.+%-]){re.escape(email)}(?![\w-]|\.\w)")
    rows = session.execute(select(OrderRow.id, OrderRow.fields).where(IS_UNREAD, OrderRow.fields.contains("@")))
    texts = ((pk, value) for pk, fields in rows for _, value in json.loads(fields) if isinstance(value, str))
    addresses = ((pk, normalised(text)) for pk, text in texts if "@" in text and len(text) <= _LONGEST_ADDRESS)
    in_fields = [pk for pk, address in addresses if alone.search(address)]
    bodies = session.execute(select(OrderRow.id, OrderRow.body).where(IS_UNREAD, OrderRow.body.is_not(None)))
    in_bodies = [pk for pk, body in bodies if _names(text_of_body(body, secret_key) or "", email)]
    return list(dict.fromkeys([*in_fields, *in_bodies]))


def in_quarantine(session: Session, email: str, secret_key: str) -> int:
    """Return how many POSTs in quarantine have this email; within a day each is an order, or gone."""
    kept = (encryption.decrypted_bytes(secret_key, sent) for sent in session.scalars(select(QuarantineRow.sent)))
    return sum(_names(plain.decode("utf-8", "replace"), email) for plain in kept if plain is not None)


def text_of_body(body: str | None, secret_key: str) -> str | None:
    """Return the text of a kept body; None without one, or under another SECRET_KEY."""
    opened = kept_bodies.opened(secret_key, body) if body else None
    return None if opened is None else opened.text


def _names(text: str, email: str) -> bool:
    """Return whether an email is in the text of a body, as it is or percent-encoded, escaped or with entities."""
    plain = unescape(unquote_plus(text)).replace("\\u0040", "@")
    words = (word.strip("._-") for word in _AROUND_ADDRESSES.split(plain) if "@" in word)
    return any(normalised(word) == email for word in words if len(word) <= _LONGEST_ADDRESS)
