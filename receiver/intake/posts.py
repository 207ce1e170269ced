"""A delivery and its body, which is inflated and decoded once, and only when it's needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from receiver.errors import BrokenOff, EmptyBody, ReceiverError, TooLarge, Unavailable, Undecodable, describe_for_log
from receiver.intake.body import Body, RawBody
from receiver.intake.inflating import Inflated, inflated
from receiver.orders import SAMPLE, Decoded, Fields, decode
from receiver.orders.pings import MOST_FIELDS, looks_like_ping
from receiver.orders.rough_text import rough_fields
from receiver.security.kept_bodies import KeptBody
from receiver.security.keyring import REDACTED, Keyring
from receiver.sources.source import Source

#: The most bytes that a body is inflated to before it's verified.
_MOST_UNVERIFIED = 2_097_152
#: Of a compressed body, the most bytes and values that are decoded before it's verified: a few KB hold far more.
_MOST_COMPRESSED, _MOST_VALUES = 262_144, 5_000
#: Bodies that are larger than this, as they came, and how many of them a process decodes at once before verifying.
_LARGE, _LARGE_AT_ONCE = 262_144, threading.BoundedSemaphore(2)
_PATIENCE_SECONDS = 0.5
_LARGEST_PING = 4096
#: With the secret.
MOST_FIELDS_OF_PING = MOST_FIELDS + 1

log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A POST as it came, before it's verified."""

    #: The last part of its URL, which the sender chose.
    source_name: str
    #: The source with that name, or None.
    source: Source | None
    #: By lower-case name.
    headers: Mapping[str, str]
    body: RawBody
    address: str | None
    #: Aware UTC.
    received_at: datetime
    #: Whether this very process has sent it, to try a source.
    is_sample: bool = False

    def to_keep(self, source: Source, fields: Fields) -> Fields:
        """Return the fields to keep: after headers that count as fields, and after what says that it's a sample."""
        fields = source.with_headers(self.headers, fields)
        return [SAMPLE, *fields] if self.is_sample else fields


@dataclass
class Post:
    """A delivery and its body, which is decoded once, as late as possible: a signature covers the raw bytes."""

    delivery: Delivery
    max_bytes: int
    max_fields: int
    #: Empty until it's read.
    body: Body = field(default_factory=Body)
    #: Whether it was verified, so that all work on it is worth doing.
    is_verified: bool = field(default=False, init=False)

    def verified(self, way: str) -> None:
        """Note that it was verified: what was too large before may be decoded now, and what's signed is whole."""
        self.is_verified = True
        if way == "signature":
            self.body = self.body._replace(may_have_stalled=False)
        if isinstance(self.__dict__.get("_outcome"), TooLarge):
            del self._outcome

    @property
    def decoded(self) -> Decoded:
        """The decoded body. Raises what inflating and decoding raise.

        Raises Unavailable if too many wait for it, and for what may be a part of a body.
        """
        outcome = self._outcome
        is_cut_off = not outcome.carries_its_end if isinstance(outcome, Decoded) else isinstance(outcome, Undecodable)
        if is_cut_off and self.body.may_have_stalled:
            raise Unavailable("Senders of this address stalled, and the body doesn't show its end; send it again.")
        if isinstance(outcome, ReceiverError):
            raise copy(outcome)
        return outcome

    def fields_or_likely_ones(self) -> Fields:
        """Return the fields or, if the body can't be decoded, what looks like fields.

        Raises BrokenOff, EmptyBody, TooLarge and Unavailable.
        """
        try:
            return self.decoded.fields
        except (BrokenOff, EmptyBody):
            raise
        except Undecodable:
            return self._likely_fields

    def fields_if_any(self) -> Fields:
        """Return the fields, or none if the body can't be decoded."""
        try:
            return self.decoded.fields
        except ReceiverError:
            return []

    def looks_like_ping(self, keyring: Keyring) -> bool:
        """Return whether it holds nothing but a set-up ping, and perhaps a secret."""
        fields = self.fields_if_any()
        if len(fields) > MOST_FIELDS_OF_PING or sum(len(text) for field in fields for text in field) > _LARGEST_PING:
            return False
        return looks_like_ping([field for field in keyring.redact(fields) if not field[1].startswith(REDACTED)])

    def is_ping_of_source(self) -> bool:
        """Return whether the kind of its source says that it's a set-up ping; only small ones are."""
        source = self.delivery.source
        if source is None or len(self.body.raw) > _LARGEST_PING:
            return False
        try:
            return source.is_ping(self.delivery.headers, self.fields_if_any(), self.body.raw) is True
        except Exception as error:  # noqa: BLE001 - the kind may be the merchant's own
            log.error("The set-up pings of source %s failed: %s", source.name, describe_for_log(error))
            return False

    def inflated_if_compressed(self) -> bytes | None:
        """Return the inflated body, or None if it wasn't compressed. Raises BrokenOff and TooLarge."""
        try:
            return self._inflated.raw if self._inflated.was_compressed else None
        except BrokenOff:
            raise
        except Undecodable:
            return None

    def as_kept(self) -> KeptBody:
        """Return the body to keep if it can't be decoded: inflated, if possible."""
        headers = self.delivery.headers
        content_type = headers.get("content-type", "")
        try:
            return KeptBody(self._inflated.raw, content_type, headers=headers)
        except Undecodable:
            return KeptBody(self.body.raw, content_type, headers.get("content-encoding", ""), headers=headers)

    @cached_property
    def _likely_fields(self) -> Fields:
        kept = self.as_kept()
        return rough_fields(kept.raw, kept.charset)

    @cached_property
    def _inflated(self) -> Inflated:
        coding = self.delivery.headers.get("content-encoding")
        if coding is None:
            return Inflated(self.body.raw)
        return inflated(
            self.body.raw, coding, self.max_bytes if self.is_verified else min(self.max_bytes, _MOST_UNVERIFIED)
        )

    @cached_property
    def _outcome(self) -> Decoded | ReceiverError:
        try:
            if self.is_verified or len(self.body.raw) <= _LARGE:
                return self._read()
            with _few_at_once():
                return self._read()
        except ReceiverError as error:
            # One that was raised leads back here, and both would stay in memory until Python looks for such rings.
            return copy(error)

    def _read(self) -> Decoded:
        plain, content_type = self._inflated, self.delivery.headers.get("content-type")
        if plain.was_compressed and not self.is_verified:
            return _searched(plain.raw, content_type, min(self.max_fields, _MOST_VALUES))
        decoded = decode(plain.raw, content_type, self.max_fields)
        return decoded._replace(notes=(*plain.notes, *decoded.notes)) if plain.notes else decoded


def _searched(plain: bytes, content_type: str | None, max_fields: int) -> Decoded:
    """Return the fields of an inflated body that are searched for a secret; raises TooLarge for many."""
    try:
        if len(plain) > _MOST_COMPRESSED:
            raise TooLarge(f"The body has more than {_MOST_COMPRESSED} bytes once it's inflated.")
        return decode(plain, content_type, max_fields)
    except TooLarge as error:
        detail = "That's too much to search for a secret: send it in a header, or don't compress the body."
        raise TooLarge(f"{error} {detail}") from error


@contextmanager
def _few_at_once() -> Iterator[None]:
    """Limit how many large bodies are decoded at once before they're verified."""
    if not _LARGE_AT_ONCE.acquire(timeout=_PATIENCE_SECONDS):
        raise Unavailable("Too many large orders arrive at once; send it again.")
    try:
        yield
    finally:
        _LARGE_AT_ONCE.release()
