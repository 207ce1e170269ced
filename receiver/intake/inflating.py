"""Inflate a compressed body by its own bytes, not by what its Content-Encoding says."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli

from receiver.errors import BrokenOff, TooLarge, Undecodable

#: zlib's window bits for gzip (RFC 1952), zlib (RFC 1950, what HTTP calls deflate) and raw deflate (RFC 1951).
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_BEGINS = b"\x1f\x8b"
#: Streams that may follow one another (RFC 1952, 2.2), and what may follow the last one.
_MOST_STREAMS, _FILLING = 100, b"\0 \t\r\n"


class Inflated(NamedTuple):
    """A body's bytes as they were before they were compressed."""

    raw: bytes
    #: What was read leniently, one sentence each.
    notes: tuple[str, ...] = ()
    #: Whether they were compressed.
    was_compressed: bool = False


class _NotCompressed(Exception):
    """Raised for bytes that aren't compressed in this way."""


def inflated(raw: bytes, content_encoding: str | None, limit: int) -> Inflated:
    """Return the bytes of a body whose Content-Encoding is gzip, deflate, br or one that changes nothing.

    Bytes that aren't compressed as their header says are taken as they are if they're text. Raises TooLarge for more
    than ``limit`` bytes, BrokenOff for a stream that ends too early, Undecodable for anything else.
    """
    coding = (content_encoding or "").strip().lower()
    if coding in {"", "identity"}:
        return Inflated(raw)
    decompress = _WAYS.get(coding)
    try:
        if decompress is not None:
            return Inflated(decompress(raw, limit), was_compressed=True)
    except _NotCompressed:
        pass
    if not _is_text(raw):
        raise Undecodable("The body's Content-Encoding isn't known here, or the body isn't what it says.")
    return Inflated(raw, ("The body isn't compressed as its Content-Encoding says; it was read as it is.",))


def _is_text(raw: bytes) -> bool:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n" for character in text)


def _gunzip(raw: bytes, limit: int) -> bytes:
    if not raw.startswith(_GZIP_BEGINS):
        raise _NotCompressed
    return _by_zlib(raw, _GZIP, limit)


def _by_deflate(raw: bytes, limit: int) -> bytes:
    """Return what deflate holds: by RFC 9110 with zlib's head, in the wild also without."""
    is_zlib = len(raw) > 1 and raw[0] & 0x0F == 8 and int.from_bytes(raw[:2]) % 31 == 0
    if not is_zlib and _is_text(raw):
        raise _NotCompressed
    return _by_zlib(raw, _ZLIB if is_zlib else _RAW, limit)


def _by_zlib(raw: bytes, window: int, limit: int) -> bytes:
    plain = b""
    for _ in range(_MOST_STREAMS):
        decompressor = zlib.decompressobj(window)
        try:
            plain += decompressor.decompress(raw, limit + 1 - len(plain))
        except zlib.error as error:
            raise _NotCompressed from error
        plain = _checked(plain, limit, is_whole=decompressor.eof)
        raw = decompressor.unused_data.lstrip(_FILLING)
        if not raw:
            return plain
        if window != _GZIP or not raw.startswith(_GZIP_BEGINS):
            break
    raise Undecodable("Something else follows the end of what was compressed, and may be a part of the order.")


def _by_brotli(raw: bytes, limit: int) -> bytes:
    decompressor = brotli.Decompressor()
    plain = b""
    try:
        # It gives no more at once than asked for, but may round that up.
        plain = decompressor.process(raw, output_buffer_limit=limit + 1)
        while len(plain) <= limit and not decompressor.can_accept_more_data():
            plain += decompressor.process(b"", output_buffer_limit=limit + 1 - len(plain))
    except brotli.error as error:
        raise _NotCompressed from error
    return _checked(plain, limit, is_whole=decompressor.is_finished())


def _checked(plain: bytes, limit: int, *, is_whole: bool) -> bytes:
    if len(plain) > limit:
        raise TooLarge(f"The body has more than {limit} bytes once it's inflated. MAX_BODY_BYTES raises the limit.")
    if not is_whole:
        raise BrokenOff("The compressed body broke off before its end; send it again.")
    return plain


_WAYS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _by_deflate,
    "br": _by_brotli,
}
