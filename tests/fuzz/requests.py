"""Requests as a mad sender would make them: each follows from a seed and its number, so any one can be made again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

from standardwebhooks import Webhook, WebhookVerificationError

from receiver.orders.names import KINDS
from tests.fuzz import words
from tests.fuzz.words import BOUNDARY, JSON, MULTIPART
from tests.served import FORM, SECRET, order_fields, signed

#: What every spelling of the secret has in it: it has no prefix, and nothing that a form or an URL escapes.
_CORE = SECRET[6:-1].encode()


@dataclass(frozen=True)
class Request:
    """Is one POST: headers as WSGI has them, Latin-1 as text, and the body's bytes."""

    headers: dict[str, str]
    body: bytes
    path: str = "/orders"


def make(seed: int, number: int) -> Request:
    """Make the request with this number."""
    dice = random.Random(f"{seed}:{number}")
    encode = dice.choices((_form, _json, _multipart, _noise), (45, 35, 12, 8))[0]
    body, content_type = encode(dice, number)
    if dice.random() < 0.2:
        body = _damaged(dice, body)
    if dice.random() < 0.12:
        content_type = dice.choice(words.TYPES)
    headers = _proof(dice, body) | ({"content-type": content_type} if content_type else {})
    if dice.random() < 0.05:
        headers[f"x-{dice.choice('abc')}"] = dice.choice(("\xff" * 20, "a,b", "", "=?utf-8?q?=00?=", "x" * 8000))
    return Request(headers, body, dice.choice(words.PATHS) if dice.random() < 0.05 else "/orders")


def _fields(dice: random.Random, number: int) -> list[tuple[str, str]]:
    """Give an order's fields, most of it sound."""
    order_id = f"F-{number}" if dice.random() < 0.9 else f"F-{dice.randrange(50)}"
    fields = list(order_fields(order_id=order_id).items())
    for _ in range(dice.choice((0, 0, 1, 1, 2, 5))):
        name = dice.choice(words.NAMES if dice.random() < 0.7 else words.OTHER_NAMES)
        if name == "test" and dice.random() < 0.9:
            continue
        fields = [field for field in fields if field[0] != name or dice.random() < 0.05]
        fields.insert(dice.randrange(len(fields) + 1), (name, dice.choice(words.TEXTS)))
    if dice.random() < 0.005:
        fields += [(f"f{place}", "v") for place in range(dice.choice((1990, 2000, 3000)))]
    if dice.random() < 0.005:
        fields += words.CARD_WITH_CODE
    return fields[dice.choice((0, 0, 0, 0, 1)) :]


def _form(dice: random.Random, number: int) -> tuple[bytes, str]:
    pairs = [
        quote_from_bytes(name.encode()).encode() + b"=" + quote_from_bytes(value.encode()).encode()
        for name, value in _fields(dice, number)
    ]
    if dice.random() < 0.15:
        pairs.insert(dice.randrange(len(pairs) + 1), dice.choice(words.RAW_FORM))
    return b"&".join(pairs), FORM


def _json(dice: random.Random, number: int) -> tuple[bytes, str]:
    members = [f"{_text(name)}: {_text(value)}" for name, value in _fields(dice, number)]
    for _ in range(dice.choice((0, 0, 1, 2))):
        name = dice.choice((*(field for _, field in KINDS), "customer", "items", "billing", "custom", "x"))
        if name != "test":
            members.insert(dice.randrange(len(members) + 1), f'"{name}": {dice.choice(words.LITERALS)}')
    return ("{" + ", ".join(members) + "}").encode(), JSON


def _text(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(mark):04x}" if ord(mark) < 32 else mark for mark in plain) + '"'


def _multipart(dice: random.Random, number: int) -> tuple[bytes, str]:
    parts = []
    for name, value in _fields(dice, number):
        disposition = dice.choices(
            ('form-data; name="{}"', 'form-data; name="{}"; filename="f"', "form-data"), (97, 1, 2)
        )[0]
        head = f"Content-Disposition: {disposition.format(name)}\r\n"
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n{value}\r\n".encode())
    return b"".join(parts) + dice.choices(
        (b"--b0undary--\r\n", b"--b0undary--", b"--b0undary\r\n", b""), (85, 5, 5, 5)
    )[0], MULTIPART


def _noise(dice: random.Random, number: int) -> tuple[bytes, str]:
    size = dice.choice((0, 1, 20, 300, 262_144, 262_145, 2_097_153)) if dice.random() < 0.05 else dice.randrange(200)
    return dice.randbytes(size), dice.choice((FORM, JSON, MULTIPART))


def _damaged(dice: random.Random, body: bytes) -> bytes:
    place = dice.randrange(len(body) + 1)
    damages: tuple[Callable[[], bytes], ...] = (
        lambda: body[:place],
        lambda: body[place:],
        lambda: body[:place] + dice.randbytes(dice.randrange(1, 6)) + body[place:],
        lambda: body[: max(place - 1, 0)] + dice.randbytes(1) + body[place:],
        lambda: b"\xef\xbb\xbf" + body,
        lambda: body + body,
    )
    return dice.choice(damages)()


def _proof(dice: random.Random, body: bytes) -> dict[str, str]:
    """Prove most; break one thing in the proof of the others."""
    roll = dice.random()
    if roll < 0.45:
        return {"x-shared-secret": SECRET}
    headers = signed(body, webhook_id=f"evt_{dice.randrange(10**9)}")
    if roll < 0.65:
        return headers
    if roll < 0.72:
        return {}
    if roll < 0.78:
        return {"x-shared-secret": dice.choice((SECRET[:-1], SECRET + " ", "\xff\xfe", "", SECRET[6:], "x" * 9000))}
    name = dice.choice(list(headers))
    if roll < 0.83:
        return {other: value for other, value in headers.items() if other != name}
    headers[name] = dice.choice((*words.PROOFS, headers[name] + " ", headers[name] + "x", headers[name][:-1]))
    return headers


def is_unproven(request: Request) -> bool:
    """Return whether nothing proves a request: it holds no secret, and another's code takes its signature for wrong."""
    held = [request.body, unquote_to_bytes(request.body), "".join(request.headers.values()).encode("latin-1")]
    if any(_CORE in one for one in held):
        return False
    try:
        # HTTP takes the blanks around a header's value away.
        Webhook(SECRET).verify(request.body, {name: value.strip(" \t") for name, value in request.headers.items()})
    except WebhookVerificationError:
        return True
    except (ValueError, RecursionError):  # it reads JSON too, and needn't be able to
        return False
    return False
