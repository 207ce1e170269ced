"""A secret is stored and shown nowhere, in whichever form and place of whichever body it comes."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlencode
from xml.sax.saxutils import escape

import pytest

from receiver.security import kept_bodies
from receiver.security.keyring import Keyring
from tests.served import FORM, Served
from tests.stores import stored as stored_in
from tests.web.console.visitor import Visitor

SECRET = "a/secret+of&the <canary>=9"
JSON = "application/json"


def forms(secret: str) -> dict[str, str]:
    """Return the secret in each form, beside other text."""
    return {
        "raw": secret,
        "percent": quote(secret, safe=""),
        "percent, every character": "".join(f"%{byte:02x}" for byte in secret.encode()),
        "JSON": "".join(f"\\u{ord(sign):04X}" for sign in secret),
        "JSON, slashes": secret.replace("/", "\\/"),
        "HTML": html.escape(secret),
        "HTML, numbers": "".join(f"&#{ord(sign)};" for sign in secret),
        "HTML, hexadecimal": "".join(f"&#x{ord(sign):x};" for sign in secret),
        **{f"base64 {at}": base64.b64encode(b"k" * at + secret.encode() + b":").decode() for at in range(3)},
        "base64 of a URL": base64.urlsafe_b64encode(f"key={secret}?".encode()).decode(),
    }


def escaped_again(secret: str) -> dict[str, str]:
    """Return the secret escaped in ways that are seldom meant."""
    return {
        "HTML of HTML": html.escape("".join(f"&#{ord(sign)};" for sign in secret)),
        "percent of percent": quote("".join(f"%{byte:02x}" for byte in secret.encode()), safe=""),
        "percent of HTML": quote(html.escape(secret), safe=""),
        "no semicolons": re.sub("[a-z]", lambda letter: f"&#{ord(letter[0])}", secret),
        "its first character": f"&amp;#{ord(secret[0])};{secret[1:]}",
    }


def bodies(name: str, value: str) -> Iterator[tuple[bytes, str]]:
    """Yield an order in each kind of body, with one more field."""

    def order(number: int) -> dict[str, str]:
        return {"order_id": f"C-{number}", "total": "9.99", "currency": "EUR", name: value}

    yield urlencode(order(1)).encode(), FORM
    yield json.dumps(order(2)).encode(), JSON
    yield json.dumps({"order": order(3), "lines": [{name: [value]}]}).encode(), JSON
    yield urlencode({**order(4), "payload": json.dumps({name: value})}).encode(), FORM
    yield f"<o><order_id>C-5</order_id><total>9.99</total><note>{escape(value)}</note></o>".encode(), "application/xml"
    yield json.dumps(order(6)).replace("}", ",}").encode(), JSON  # no JSON: its bytes are kept
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    parts = [part.format(quote(name), value) for name, value in order(7).items()]
    yield ("".join(parts) + "--b--\r\n").encode(), "multipart/form-data; boundary=b"


def readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and with each kind of escape decoded."""
    yield from (text, unquote(text), html.unescape(text), re.sub(r"\\(.)", r"\1", text))
    yield re.sub(r"\\+u([0-9A-Fa-f]{4})", lambda escape: chr(int(escape[1], 16)), text)


def holds(text: str) -> list[str]:
    core = [one.rstrip("=")[4:-2] for name, one in forms(SECRET).items() if name.startswith("base64")]
    return [one for one in [SECRET, *core] if any(one in reading for reading in readings(text))]


@pytest.mark.parametrize("form", forms(SECRET))
@pytest.mark.parametrize("is_name", [False, True])
def test_a_secret_in_any_form_is_stored_shown_and_logged_nowhere(
    serve: Callable[..., Served], instance: Path, caplog: pytest.LogCaptureFixture, form: str, is_name: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    shop = serve(work=False, SHARED_SECRETS=[SECRET])
    sent = forms(SECRET)[form]
    assert holds(f"x {sent} y")
    named = (sent, "x") if is_name else ("remark", f"my key: {sent}.")
    for body, content_type in bodies(*named):
        headers = {"X-Shared-Secret": SECRET}
        assert shop.post(body, prove=False, headers=headers, content_type=content_type).status in (200, 202)
        shop.post(body, prove=False, headers={"X-Shared-Secret": "not the right one"}, content_type=content_type)
    shop.kit.refusals.flush()
    rows = shop.rows()
    assert len(rows) == 7
    kept = [kept_bodies.opened(shop.kit.secret_key, row.body) for row in rows if row.body]
    assert [one for one in kept if one is None or holds(one.text)] == []
    visitor = Visitor(shop.base)
    visitor.sign_in()
    paths = [f"/admin/orders/{row.receipt}" for row in rows] + ["/admin/orders", "/admin/parked", "/admin/refused"]
    for path in paths:
        page = visitor.get(path)
        assert (page.status, holds(page.html), holds(page.text)) == (200, [], []), path
    stored = stored_in(instance)
    assert "C-1" in stored
    assert holds(stored) == []
    assert holds(caplog.text) == []


def test_a_secret_for_a_content_type_is_not_kept(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, SHARED_SECRETS=[SECRET])
    for body in (b"order_id=1&total=9.99", b'{"order_id": 2,}'):
        assert shop.post(body, prove=False, headers={"X-Shared-Secret": SECRET}, content_type=SECRET).status == 202
    assert [row.encoding for row in shop.rows() if SECRET[2:] in row.encoding] == []


@pytest.mark.parametrize("form", escaped_again(SECRET))
def test_a_secret_that_is_escaped_twice_or_carelessly_is_replaced(form: str) -> None:
    keyring = Keyring({SECRET: SECRET.encode()}, {})
    sent = escaped_again(SECRET)[form]
    ((name, value), other) = keyring.redact([(f"key {sent}", f"my key: {sent}, {sent}."), ("<a", "b>")])
    assert re.fullmatch(r"key (\[secret \w+\])", name)
    assert re.fullmatch(r"my key: (\[secret \w+\]), \1\.", value)
    assert other == ("<a", "b>")


def test_what_holds_no_secret_stays_as_it_is() -> None:
    keyring = Keyring({SECRET: SECRET.encode()}, {})
    fields = [("a%20b", "100 % of 5 &amp; 6 &#x41; \\u0041 \\"), (SECRET[:-1], quote(SECRET)[:-1]), ("%", "%%41")]
    assert keyring.redact(fields) == fields
