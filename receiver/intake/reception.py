"""Take one delivery from its raw bytes to its row: verify, parse, record."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.errors import (
    BrokenOff,
    EmptyBody,
    ReceiverError,
    SecretsChanged,
    SecretsUnreadable,
    SetUpPing,
    TooManyFailures,
    Unauthenticated,
    Unavailable,
    Undecodable,
)
from receiver.intake.authentication import Proof, authenticate, is_of_self_test
from receiver.intake.inbox import Inbox
from receiver.intake.order_row import new_row
from receiver.intake.posts import MOST_FIELDS_OF_PING, Delivery, Post
from receiver.intake.quarantine import Quarantine
from receiver.intake.received import Received
from receiver.intake.refusals import Refusals
from receiver.intake.unread_bodies import unread_row
from receiver.security.failures import Failures
from receiver.security.keyring import Keyring
from receiver.security.schemes import Sent
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources import proofs
from receiver.sources.registry import Sources
from receiver.sources.source import DEFAULT, Source
from receiver.storage.columns import receipt_of


@dataclass(frozen=True, kw_only=True)
class Reception:
    """The way from a delivery to its row."""

    settings: Settings = field(repr=False)
    sources: Sources
    shared_secrets: SharedSecrets
    refusals: Refusals
    inbox: Inbox
    quarantine: Quarantine
    failures: Failures = field(default_factory=Failures)

    def receive(self, delivery: Delivery) -> Received:
        """Verify, parse and record one delivery.

        Raises ReceiverError. Unless it's Unavailable, it's kept as a refusal.
        """
        post = Post(delivery, self.settings.MAX_BODY_BYTES, self.settings.MAX_FIELDS)
        try:
            post.body = delivery.body.read(self.settings.MAX_BODY_BYTES)
            source = delivery.source or self.sources.get(delivery.source_name)
            return self._authenticated_by_any(post, source)
        except Unavailable:
            raise
        except SetUpPing as ping:
            return self._listed(ping, post)
        except Unauthenticated as error:
            if post.is_ping_of_source():
                return self._listed(SetUpPing("The shop's own set-up ping, which isn't signed."), post)
            too_many, seconds = self.failures.count(delivery.source_name, delivery.address, time.monotonic())
            if not too_many:
                self._refuse(error, post)
                raise
            if too_many == 1:  # one a minute tells the merchant enough, and keeps guesses cheap
                self._refuse(TooManyFailures(seconds), post)
            raise TooManyFailures(seconds) from error
        except ReceiverError as error:
            self._refuse(error, post)
            raise

    def _authenticated_by_any(self, post: Post, source: Source) -> Received:
        """Record a POST with the secrets as last read; if that fails and they've changed, try the new ones.

        The commit compares them with the stored ones, so a revoked secret stops working at once.
        """
        # Measured: reading them for every POST, on a connection of its own, costs a fifth more processor time, and
        # eight threads then accept a fifth fewer orders.
        keyring = self.shared_secrets.last_known(source.secrets, self.sources.secrets)
        while True:
            try:
                return self._record(post, source, keyring)
            except (Unauthenticated, SecretsChanged, SecretsUnreadable):
                before, keyring = keyring, self.shared_secrets.keyring(source.secrets, self.sources.secrets)
                if keyring.stored == before.stored:
                    raise

    def _record(self, post: Post, source: Source, keyring: Keyring) -> Received:
        if source.networks and not source.is_from(post.delivery.address):
            raise proofs.from_elsewhere()
        if source.asks is not None:  # what's asked about waits: that never happens here
            self.quarantine.add(post, source, source.asks, keyring, require_signature=self.settings.REQUIRE_SIGNATURE)
            return Received("waiting", 0, "", None, [])
        proof = self._proof(post, source, keyring)
        post.verified(proof.way)
        row = self._row(post, source, keyring, proof)
        recorded = self.inbox.record(row, keyring.stored)
        errors = _for_sender(json.loads(row["errors"])) if row["state"] == "parked" else []
        status = "duplicate" if recorded.is_copy else _status(row)
        return Received(status, recorded.pk, receipt_of(recorded.pk), recorded.order_id, errors)

    def _proof(self, post: Post, source: Source, keyring: Keyring) -> Proof:
        """Return the proof of a POST: of its bytes as they came or, if they were compressed, of the inflated ones."""
        url = f"{self.settings.PUBLIC_URL.rstrip('/')}/orders{'' if source.name == DEFAULT else f'/{source.name}'}"

        def by(raw: bytes) -> Proof:
            return authenticate(
                # The URL is that of the settings, because a sender can fake the Host header.
                Sent(post.delivery.headers, raw, url, post.fields_or_likely_ones),
                source,
                keyring,
                now=post.delivery.received_at,
                require_signature=self.settings.REQUIRE_SIGNATURE,
            )

        try:
            return by(post.body.raw)
        except Unauthenticated:
            if (plain := post.inflated_if_compressed()) is None:
                raise
            return by(plain)

    def _row(self, post: Post, source: Source, keyring: Keyring, proof: Proof) -> dict[str, Any]:
        """Return a verified POST's row: its fields or, if it can't be decoded, its bytes."""
        common: dict[str, Any] = {
            "source": source,
            "proof": proof,
            "keyring": keyring,
            "secret_key": self.settings.SECRET_KEY.get_secret_value(),
            "received_at": post.delivery.received_at,
        }
        try:
            decoded = post.decoded
        except (BrokenOff, EmptyBody):
            raise
        except Undecodable as error:
            return unread_row(post.as_kept(), error, end_is_known=post.body.end_is_known, **common)
        if not decoded.fields:
            raise EmptyBody(
                "The body has no fields. Send the order's fields in the body. If you did, a redirect or a proxy lost "
                "them: post to the final URL, and send it again."
            )
        is_plain_ping = len(decoded.fields) <= MOST_FIELDS_OF_PING and post.looks_like_ping(keyring)
        if is_plain_ping or (type(source) is not Source and post.is_ping_of_source()):
            raise SetUpPing("A set-up ping, verified by the secret.")
        sent, fields = post.delivery, decoded.fields
        return new_row(
            sent.to_keep(source, fields) if source.kept_headers or sent.is_sample else fields,
            notes=decoded.notes,
            content_type=sent.headers.get("content-type"),
            end_is_known=post.body.end_is_known or decoded.carries_its_end,
            **common,
        )

    def _listed(self, ping: SetUpPing, post: Post) -> Received:
        """List a set-up ping, and answer that it came."""
        self._refuse(ping, post)
        return Received("ping", 0, "", None, [])

    def _refuse(self, error: ReceiverError, post: Post) -> None:
        delivery = post.delivery
        own = delivery.source.secrets if delivery.source else ()
        keyring = self.shared_secrets.keyring(own, self.sources.secrets)
        if isinstance(error, Unauthenticated) and post.looks_like_ping(keyring):
            error = Unauthenticated(error.reason, f"{error.detail} It looks like a set-up ping, and not like an order.")
        # The self test sends POSTs that must be refused, and whoever sends a sample hears why; neither needs an alarm.
        if not (is_of_self_test(delivery.headers, keyring) or delivery.is_sample):
            self.refusals.add(
                error,
                at=delivery.received_at,
                source=delivery.source_name,
                address=delivery.address,
                headers=list(delivery.headers.items()),
                fields=post.fields_if_any(),
                keyring=keyring,
            )


def _for_sender(errors: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the errors without the words that were sent: an answer repeats no value."""
    return [{"field": error["field"], "message": error["message"]} for error in errors]


def _status(row: Mapping[str, Any]) -> str:
    """Return the status of a delivery that made this new row."""
    if row["state"] != "open":
        return str(row["state"])
    return "tested" if row["test"] else "accepted"
