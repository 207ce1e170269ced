"""One delivery from raw bytes to its answer: authenticate, read, record, answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
    UnsupportedEncoding,
)
from receiver.intake.authentication import authenticate, is_of_self_test
from receiver.intake.inbox import Inbox, Recorded
from receiver.intake.order_row import new_row
from receiver.intake.refusals import Refusals
from receiver.orders import Fields, decode
from receiver.security.shared_secrets import Keyring, SharedSecrets
from receiver.sources.registry import Sources
from receiver.sources.source import Source


class Delivery(NamedTuple):
    """Is one POST as it comes: nothing of it has been looked at."""

    source: str
    #: By lower-case name.
    headers: Mapping[str, str]
    #: Reads the bytes of the body; raises TooLarge or BrokenOff.
    read_body: Callable[[], bytes]
    #: Whether the server says so when a body has broken off; else only the body itself can tell.
    end_is_known: bool
    address: str | None
    #: Aware UTC.
    received_at: datetime


class Answer(NamedTuple):
    """Is what a recorded delivery is answered with, once it is on disk."""

    status: int
    content: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reception:
    """Takes deliveries in."""

    settings: Mapping[str, Any] = field(repr=False)
    sources: Sources
    shared_secrets: SharedSecrets
    refusals: Refusals
    inbox: Inbox
    #: Says that there is work of a kind, ``orders`` or ``mails``.
    hint: Callable[[str], None]
    #: Runs the handlers on a test transmission and gives what each made of it.
    run_test: Callable[[int], list[dict[str, Any]]]

    def receive(self, delivery: Delivery) -> Answer:
        """Authenticate, read, record and answer one delivery.

        Raises ReceiverError, which is kept as a refusal unless it is Unavailable.
        """
        contents = _Contents(delivery.headers, self.settings["MAX_FIELDS"])
        source = None
        try:
            contents.body = delivery.read_body()
            source = self.sources.get(delivery.source)
            row, recorded = self._record(delivery, source, contents)
        except Unavailable:
            raise
        except ReceiverError as error:
            keyring = self.shared_secrets.keyring(source.secrets if source else (), self.sources.secrets)
            self._refuse(error, delivery, contents, keyring)
            raise
        return self._answer(row, recorded)

    def _record(self, delivery: Delivery, source: Source, contents: _Contents) -> tuple[dict[str, Any], Recorded]:
        """Prove by the secrets that were read last, and anew by those of this moment when they prove no more."""
        keyring = self.shared_secrets.last_known(source.secrets, self.sources.secrets)
        while True:
            try:
                row = self._proven_row(delivery, source, contents, keyring)
                return row, self.inbox.record(row, keyring.stored)
            except (Unauthenticated, SecretsChanged, SecretsUnreadable):
                before, keyring = keyring, self.shared_secrets.keyring(source.secrets, self.sources.secrets)
                if keyring.stored == before.stored:
                    raise

    def _proven_row(self, delivery: Delivery, source: Source, contents: _Contents, keyring: Keyring) -> dict[str, Any]:
        proof = authenticate(
            delivery.headers,
            contents.body,
            contents.values,
            keyring,
            now=delivery.received_at,
            require_signature=self.settings["REQUIRE_SIGNATURE"],
        )
        if not contents.fields():
            raise EmptyBody(
                "The body holds not one field. Send the order's fields in the body; if you do, a redirect or a proxy "
                "on the way lost it: post straight to the final URL, and send it again."
            )
        return new_row(
            contents.fields(),
            source=source,
            proof=proof,
            keyring=keyring,
            secret_key=self.settings["SECRET_KEY"],
            content_type=delivery.headers.get("content-type"),
            end_is_known=delivery.end_is_known,
            received_at=delivery.received_at,
        )

    def _answer(self, row: dict[str, Any], recorded: Recorded) -> Answer:
        known = {"order_id": recorded.order_id} if recorded.order_id else {}
        if recorded.is_copy:
            return Answer(200, {"status": "duplicate", **known, "receipt": recorded.receipt})
        if row["state"] == "parked":
            return Answer(202, {"status": "parked", "errors": json.loads(row["errors"]), "receipt": recorded.receipt})
        if row["state"] == "ignored":
            return Answer(200, {"status": "ignored", **known, "receipt": recorded.receipt})
        if row["test"]:
            handlers = self.run_test(recorded.pk)
            self.hint("mails")
            return Answer(200, {"status": "tested", **known, "receipt": recorded.receipt, "handlers": handlers})
        self.hint("orders")
        return Answer(202, {"status": "accepted", **known, "receipt": recorded.receipt})

    def _refuse(self, error: ReceiverError, delivery: Delivery, contents: _Contents, keyring: Keyring) -> None:
        if is_of_self_test(delivery.headers, keyring):
            return
        self.refusals.add(
            error,
            at=delivery.received_at,
            source=delivery.source,
            address=delivery.address,
            headers=list(delivery.headers.items()),
            fields=contents.fields_if_any(),
            keyring=keyring,
        )


class _Contents:
    """Decodes a delivery's body once, and not before it must be."""

    def __init__(self, headers: Mapping[str, str], max_fields: int) -> None:
        self.body = b""
        self._headers = headers
        self._max_fields = max_fields
        self._fields: Fields | None = None

    def fields(self) -> Fields:
        if self._fields is None:
            if self._headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
                raise UnsupportedEncoding(
                    "Send the body as it is, not compressed: without the header Content-Encoding."
                )
            self._fields = decode(self.body, self._headers.get("content-type"), self._max_fields)
        return self._fields

    def values(self) -> list[str]:
        return [value for _, value in self.fields()]

    def fields_if_any(self) -> Fields:
        try:
            return self.fields()
        except ReceiverError:
            return []
