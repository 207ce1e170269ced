"""One delivery from its raw bytes to its row: authenticate, parse, record."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from receiver.errors import (
    EmptyBody,
    ReceiverError,
    SecretsChanged,
    SecretsUnreadable,
    TooManyFailures,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from receiver.intake.authentication import authenticate, is_of_self_test
from receiver.intake.body import Body, RawBody
from receiver.intake.inbox import Inbox
from receiver.intake.order_row import new_row
from receiver.intake.refusals import Refusals
from receiver.orders import Decoded, Fields, decode
from receiver.security.failures import Failures
from receiver.security.keyring import Keyring
from receiver.security.schemes import Sent
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources.registry import Sources
from receiver.sources.source import DEFAULT, Source
from receiver.storage.columns import receipt_of


class Delivery(NamedTuple):
    """A POST as received, before authentication."""

    #: The last part of its URL, which the sender chose.
    source_name: str
    #: The source of that name; None when there is none.
    source: Source | None
    #: By lower-case name.
    headers: Mapping[str, str]
    body: RawBody
    address: str | None
    #: Aware UTC.
    received_at: datetime


class _Post:
    """A delivery and its body, which is decoded once, and not before it has to be."""

    def __init__(self, delivery: Delivery, max_fields: int) -> None:
        self.delivery = delivery
        #: Empty until it's read.
        self.body = Body()
        self._max_fields = max_fields

    @cached_property
    def decoded(self) -> Decoded:
        """What it holds; raises what decoding raises."""
        headers = self.delivery.headers
        if headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            raise UnsupportedEncoding("Send the body as it is, not compressed: without the header Content-Encoding.")
        return decode(self.body.raw, headers.get("content-type"), self._max_fields)

    def fields_if_any(self) -> Fields:
        """Return its fields, none when it can't be decoded."""
        try:
            return self.decoded.fields
        except ReceiverError:
            return []


class Received(NamedTuple):
    """What became of a delivery; it's on disk."""

    #: ``accepted``, ``parked``, ``ignored``, ``duplicate``, or ``tested``: a test whose handlers are still to run.
    status: str
    pk: int
    receipt: str
    order_id: str | None
    #: Why it's parked, field by field.
    errors: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What turns deliveries into rows."""

    settings: Settings = field(repr=False)
    sources: Sources
    shared_secrets: SharedSecrets
    refusals: Refusals
    inbox: Inbox
    failures: Failures = field(default_factory=Failures)

    def receive(self, delivery: Delivery) -> Received:
        """Authenticate, parse and record one delivery.

        Raises ReceiverError, which is kept as a refusal unless it's Unavailable.
        """
        post = _Post(delivery, self.settings.MAX_FIELDS)
        try:
            post.body = delivery.body.read(self.settings.MAX_BODY_BYTES)
            source = delivery.source or self.sources.get(delivery.source_name)
            return self._authenticated_by_any(post, source)
        except Unavailable:
            raise
        except Unauthenticated as error:
            too_many, seconds = self.failures.count(delivery.source_name, delivery.address, time.monotonic())
            if not too_many:
                self._refuse(error, post)
                raise
            refusal = TooManyFailures(seconds)
            if too_many == 1:  # the others of this minute aren't looked into
                self._refuse(refusal, post)
            raise refusal from error
        except ReceiverError as error:
            self._refuse(error, post)
            raise

    def _authenticated_by_any(self, post: _Post, source: Source) -> Received:
        """Record a POST by the secrets that were read last, and once more by those of now if that fails.

        The commit compares them with those stored, so a revoked secret stops at once.
        """
        # Measured: reading them for every POST beforehand, by a connection of its own, takes a fifth more of the
        # processor, and eight threads then accept a fifth less.
        keyring = self.shared_secrets.last_known(source.secrets, self.sources.secrets)
        while True:
            try:
                return self._record(post, source, keyring)
            except (Unauthenticated, SecretsChanged, SecretsUnreadable):
                before, keyring = keyring, self.shared_secrets.keyring(source.secrets, self.sources.secrets)
                if keyring.stored == before.stored:
                    raise

    def _record(self, post: _Post, source: Source, keyring: Keyring) -> Received:
        delivery = post.delivery
        proof = authenticate(
            self._sent(post, source),
            source,
            keyring,
            now=delivery.received_at,
            require_signature=self.settings.REQUIRE_SIGNATURE,
        )
        if not post.decoded.fields:
            raise EmptyBody(
                "The body holds not one field. Send the order's fields in the body; if you do, a redirect or a proxy "
                "on the way lost it: post straight to the final URL, and send it again."
            )
        fields = post.decoded.fields
        row = new_row(
            source.with_headers(delivery.headers, fields) if source.kept_headers else fields,
            notes=post.decoded.notes,
            source=source,
            proof=proof,
            keyring=keyring,
            secret_key=self.settings.SECRET_KEY.get_secret_value(),
            content_type=delivery.headers.get("content-type"),
            end_is_known=post.body.end_is_known,
            received_at=delivery.received_at,
        )
        recorded = self.inbox.record(row, keyring.stored)
        errors = json.loads(row["errors"]) if row["state"] == "parked" else []
        status = "duplicate" if recorded.is_copy else _status(row)
        return Received(status, recorded.pk, receipt_of(recorded.pk), recorded.order_id, errors)

    def _sent(self, post: _Post, source: Source) -> Sent:
        """Return what a signature may cover. Its URL is that of the settings: the sender chooses the Host header."""
        url = f"{self.settings.PUBLIC_URL.rstrip('/')}/orders{'' if source.name == DEFAULT else f'/{source.name}'}"
        return Sent(post.delivery.headers, post.body.raw, url, lambda: post.decoded.fields)

    def _refuse(self, error: ReceiverError, post: _Post) -> None:
        delivery = post.delivery
        own = delivery.source.secrets if delivery.source else ()
        keyring = self.shared_secrets.keyring(own, self.sources.secrets)
        # The self test sends POSTs that must be refused; they raise no alarm.
        if not is_of_self_test(delivery.headers, keyring):
            self.refusals.add(
                error,
                at=delivery.received_at,
                source=delivery.source_name,
                address=delivery.address,
                headers=list(delivery.headers.items()),
                fields=post.fields_if_any(),
                keyring=keyring,
            )


def _status(row: Mapping[str, Any]) -> str:
    """Return the status of a delivery by its new row."""
    if row["state"] != "open":
        return str(row["state"])
    return "tested" if row["test"] else "accepted"
