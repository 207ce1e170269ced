"""Requests as bytes on a socket: framed as HTTP allows, and as it does not."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from urllib.parse import quote

from receiver.intake.body import MOST_DRAINED
from tests.fuzz.requests import Request, is_unproven, make
from tests.served import signed

_SECONDS = 60.0
#: Longer headers some servers refuse by themselves.
_LONGEST_VALUE = 8000
_MOST_READ = 2_097_152 + MOST_DRAINED
#: Not allowed in a header's value.
_CONTROLS = {chr(code) for code in [*range(32), 127]} - {"\t"}

BROKEN_LENGTHS = (b"-5", b"abc", b"+5", b"5, 6", b"5 5", b"0x5", b"", b"9" * 30, b"5\r\nContent-Length: 6")
BROKEN_CHUNKS = (b"zz\r\n", b"-5\r\nabcde\r\n", b"3\r\nabcde\r\n0\r\n\r\n", b"\r\n\r\n", b"0x3\r\nabc\r\n")
BROKEN_HEADERS = (
    b"no colon",
    b": no name",
    b"na me: x",
    b"x: a\0b",
    b" folded",
    b"x\xff: y",
    b"x: a\rb",
    b"Transfer-Encoding: gzip",
)
BROKEN_LINES = (
    b"POST",
    b"POST /orders",
    b"POST /orders HTTP/9.9",
    b"POST  /orders HTTP/1.1",
    b"\x16\x03\x01\x02",
    b"{}",
    b"",
    b"POST /orders\xff HTTP/1.1",
)


@dataclass(frozen=True)
class Raw:
    """Is what is sent over one connection."""

    content: bytes
    #: How many answers must come; None leaves it to the server; 0 means that the sender leaves in the middle.
    answers: int | None
    #: Whether nothing in it proves it.
    is_unproven: bool = False


@dataclass(frozen=True)
class Answered:
    """Is one answer as it came."""

    status: int
    content_type: str
    body: bytes


def make_raw(seed: int, number: int) -> Raw:
    """Make what the connection with this number sends."""
    dice = random.Random(f"{seed}:raw:{number}")
    request = make(seed, number)
    framing = dice.choice(
        (_whole, _whole, _chunked, _chunked, _pipelined, _expecting, _left, _cut_chunks, _broken_chunks, _broken_head)
    )
    return replace(framing(dice, request), is_unproven=is_unproven(request))


def whole(request: Request) -> Raw:
    """Frame a request as most senders do."""
    return replace(_whole(random.Random(), request), is_unproven=is_unproven(request))


def exchange(port: int, raw: Raw) -> list[Answered]:
    """Send it all and read all answers; leaves at once when none is expected."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        try:
            connection.sendall(raw.content)
            while raw.answers != 0 and (part := connection.recv(65_536)):
                received += part
        except ConnectionError:
            assert raw.answers in (0, None), "the server hung up on a sound request"
    answers = [answer for answer in _answers(received) if answer.status >= 200]
    assert raw.answers is None or len(answers) == raw.answers
    return answers


def _answers(received: bytes) -> Iterator[Answered]:
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        headers = message_from_bytes(fields)
        length = int(headers.get("Content-Length", "0"))
        yield Answered(int(line.split()[1]), headers.get("Content-Type", ""), received[:length])
        received = received[length:]


def _head(request: Request, *, line: bytes | None = None, more: tuple[bytes, ...] = (), close: bool = True) -> bytes:
    path = quote(request.path.encode("latin-1")).encode()
    lines = [line if line is not None else b"POST " + path + b" HTTP/1.1", b"Host: shop.example"]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in request.headers.items()]
    lines += [*more, *([b"Connection: close"] if close else [])]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _answers_due(request: Request, answers: int = 1) -> int | None:
    sound = all(len(value) < _LONGEST_VALUE and not _CONTROLS & {*value} for value in request.headers.values())
    # Of a body that is far too large, the server needn't read the rest.
    return answers if sound and len(request.body) < _MOST_READ else None


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def _whole(_dice: random.Random, request: Request) -> Raw:
    return Raw(_head(request, more=(_length(request.body),)) + request.body, _answers_due(request))


def _chunks(dice: random.Random, body: bytes) -> bytes:
    chunks = []
    while body:
        size = dice.randrange(1, 4000)
        part, body = body[:size], body[size:]
        chunks.append(b"%x%s\r\n%s\r\n" % (len(part), dice.choice((b"", b"", b";a=b")), part))
    return b"".join(chunks)


def _chunked(dice: random.Random, request: Request) -> Raw:
    end = dice.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"000\r\nX-Trailer: x\r\n\r\n"))
    head = _head(request, more=(b"Transfer-Encoding: chunked",))
    return Raw(head + _chunks(dice, request.body) + end, _answers_due(request))


def _pipelined(_dice: random.Random, request: Request) -> Raw:
    one = _head(request, more=(_length(request.body),), close=False) + request.body
    return Raw(one + _head(request, more=(_length(request.body),)) + request.body, _answers_due(request, 2))


def _expecting(_dice: random.Random, request: Request) -> Raw:
    head = _head(request, more=(_length(request.body), b"Expect: 100-continue"))
    return Raw(head + request.body, _answers_due(request))


def _left(dice: random.Random, request: Request) -> Raw:
    """Announce more than is sent, and leave."""
    announced = b"Content-Length: %d" % (len(request.body) + dice.randrange(1, 1000))
    return Raw(_head(request, more=(announced,)) + request.body, 0)


def _provable(request: Request) -> Request:
    """Sign the whole body: granian does not tell a body cut between chunks from a whole one, a signature does."""
    return Request({"content-type": request.headers.get("content-type", ""), **signed(request.body)}, request.body)


def _cut_chunks(dice: random.Random, request: Request) -> Raw:
    """Leave before the last chunk."""
    request = _provable(request)
    cut = request.body[: dice.randrange(len(request.body) + 1) - 1] if request.body else b""
    return Raw(_head(request, more=(b"Transfer-Encoding: chunked",)) + _chunks(dice, cut), 0)


def _broken_chunks(dice: random.Random, request: Request) -> Raw:
    request = _provable(Request(request.headers, request.body + b"&"))
    cut = request.body[: dice.randrange(len(request.body))]
    head = _head(request, more=(b"Transfer-Encoding: chunked",))
    return Raw(head + _chunks(dice, cut) + dice.choice(BROKEN_CHUNKS), None)


def _broken_head(dice: random.Random, request: Request) -> Raw:
    if dice.random() < 0.4:
        broken = _head(request, more=(b"Content-Length: " + dice.choice(BROKEN_LENGTHS),))
    elif dice.random() < 0.6:
        broken = _head(request, more=(dice.choice(BROKEN_HEADERS), _length(request.body)))
    else:
        broken = _head(request, line=dice.choice(BROKEN_LINES), more=(_length(request.body),))
    return Raw(broken + request.body, None)
