"""One delivery from its raw bytes to its row: authenticate, parse, record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from receiver.errors import (
    EmptyBody,
    ReceiverError,
    SecretsChanged,
    SecretsUnreadable,
    Unauthenticated,
    Unavailable,
)
from receiver.intake.authentication import authenticate, is_of_self_test
from receiver.intake.body import Body, RawBody
from receiver.intake.inbox import Inbox
from receiver.intake.order_row import new_row
from receiver.intake.refusals import Refusals
from receiver.security.keyring import Keyring
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources.registry import Sources
from receiver.sources.source import Source


class Delivery(NamedTuple):
    """A POST as received, before authentication."""

    source: str
    #: By lower-case name.
    headers: Mapping[str, str]
    body: RawBody
    address: str | None
    #: Aware UTC.
    received_at: datetime


class Received(NamedTuple):
    """What became of a delivery; it is on disk."""

    #: ``accepted``, ``parked``, ``ignored``, ``duplicate``, or ``tested`` for a test transmission, which is to be run.
    status: str
    pk: int
    receipt: str
    order_id: str | None
    #: Why it is parked, field by field.
    errors: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Reception:
    """The way in: it turns deliveries into rows."""

    settings: Settings = field(repr=False)
    sources: Sources
    shared_secrets: SharedSecrets
    refusals: Refusals
    inbox: Inbox

    def receive(self, delivery: Delivery) -> Received:
        """Authenticate, parse and record one delivery.

        Raises ReceiverError, which is kept as a refusal unless it is Unavailable.
        """
        body = self._body_of(delivery, b"")
        source = None
        try:
            body = self._body_of(delivery, delivery.body.read(self.settings.MAX_BODY_BYTES))
            source = self.sources.get(delivery.source)
            return self._authenticated_by_any(delivery, source, body)
        except Unavailable:
            raise
        except ReceiverError as error:
            keyring = self.shared_secrets.keyring(source.secrets if source else (), self.sources.secrets)
            self._refuse(error, delivery, body, keyring)
            raise

    def _body_of(self, delivery: Delivery, raw: bytes) -> Body:
        return Body(raw, delivery.headers, self.settings.MAX_FIELDS)

    def _authenticated_by_any(self, delivery: Delivery, source: Source, body: Body) -> Received:
        """Record it by the secrets that were read last, and again by those of this moment when they prove no more.

        The commit compares them with those stored, so a revoked secret stops at once.
        """
        # Measured: to read them for every POST beforehand, by a connection of its own, takes a fifth more of the
        # processor, and eight threads then accept a fifth less.
        keyring = self.shared_secrets.last_known(source.secrets, self.sources.secrets)
        while True:
            try:
                return self._record(delivery, source, body, keyring)
            except (Unauthenticated, SecretsChanged, SecretsUnreadable):
                before, keyring = keyring, self.shared_secrets.keyring(source.secrets, self.sources.secrets)
                if keyring.stored == before.stored:
                    raise

    def _record(self, delivery: Delivery, source: Source, body: Body, keyring: Keyring) -> Received:
        proof = authenticate(
            delivery.headers,
            body.raw,
            body.values,
            keyring,
            now=delivery.received_at,
            require_signature=self.settings.REQUIRE_SIGNATURE,
        )
        if not body.fields():
            raise EmptyBody(
                "The body holds not one field. Send the order's fields in the body; if you do, a redirect or a proxy "
                "on the way lost it: post straight to the final URL, and send it again."
            )
        row = new_row(
            body.fields(),
            source=source,
            proof=proof,
            keyring=keyring,
            secret_key=self.settings.SECRET_KEY.get_secret_value(),
            content_type=delivery.headers.get("content-type"),
            end_is_known=delivery.body.end_is_known,
            received_at=delivery.received_at,
        )
        recorded = self.inbox.record(row, keyring.stored)
        errors = json.loads(row["errors"]) if row["state"] == "parked" else []
        status = "duplicate" if recorded.is_copy else _status(row)
        return Received(status, recorded.pk, recorded.receipt, recorded.order_id, errors)

    def _refuse(self, error: ReceiverError, delivery: Delivery, body: Body, keyring: Keyring) -> None:
        if is_of_self_test(delivery.headers, keyring):
            return
        self.refusals.add(
            error,
            at=delivery.received_at,
            source=delivery.source,
            address=delivery.address,
            headers=list(delivery.headers.items()),
            fields=body.fields_if_any(),
            keyring=keyring,
        )


def _status(row: Mapping[str, Any]) -> str:
    """Return the status of a delivery by its new row."""
    if row["state"] != "open":
        return str(row["state"])
    return "tested" if row["test"] else "accepted"
