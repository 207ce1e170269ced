"""A text that runs a script wherever it isn't escaped, in every field that anybody can fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.orders.encoding import form_fields
from receiver.orders.parameters import parameters
from receiver.orders.sample import dummy_order
from tests.hostile_servers import reply, serving
from tests.served import SECRET, Served, order_fields
from tests.sources import saving

#: It ends whatever it may stand in, and begins an element, an attribute, a link and a template's expression.
HOSTILE = (
    """'"`--></title></textarea></style></script><script>alert(1)</script><xss-canary onclick=alert(1) xss>"""
    """<img src=x onerror=alert(1)><svg onload=alert(1)>{{7*7}}${7*7}javascript:alert(1)//\u202e\x9b31m"""
)
#: A link that runs.
LINK = "javascript:alert(1)//https://evil.example"
_HANDLER = f"""
from receiver.handlers import Skip, handler

@handler(retries=0)
def fails(order, context):
    raise RuntimeError({HOSTILE!r})

@handler(retries=0)
def speaks(order, context):
    context.mail(to={HOSTILE!r} + "@shop.example", template="merchant_alert", subject={HOSTILE!r}, headline={HOSTILE!r},
                 lines=[{HOSTILE!r}], console_url={LINK!r})
    return {HOSTILE!r}
"""


class Elements(HTMLParser):
    """What a browser would make of a page: what in it comes from a text that wasn't escaped, or runs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that isn't ours, or an attribute that runs."""
        is_ours = tag != "script" or (dict(attrs).get("src") or "").startswith("/static/")
        if tag == "xss-canary" or not is_ours:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            runs = (value or "").strip().lower().startswith(("javascript:", "data:text", "vbscript:"))
            if name.startswith("on") or name in {"xss", "srcdoc"} or runs:
                self.faults.append(f"<{tag} {name}={value}>")


@contextmanager
def told(serve: Callable[..., Served], instance: Path) -> Iterator[Served]:
    """Serve a receiver whose every field holds the text, and whose servers answer with it."""
    (instance / "handlers" / "hostile.py").write_text(_HANDLER, "utf-8")
    page = f"<!doctype html><title>{HOSTILE}</title>{HOSTILE}".encode()
    with serving(reply("500 Error", page, Content_Type="text/html")) as server:
        body = {"email": "{email}", "name": "{name}"}
        shop = serve(
            RELAY_ALLOW_PRIVATE=True,
            SHOP_NAME=HOSTILE.partition("\u202e")[0],
            REGISTRAR="http",
            registrar={"url": server.url(), "allow_private": True, "body": body},
            FORWARD_URLS=[server.url(f"/{LINK}")],
            FORWARD_SECRET=SECRET,
        )
        _send(shop, server.url("/?q=%3Cscript%3E"))
        yield shop


def hostile_order() -> dict[str, str]:
    """Return an order that's read, with the text wherever a text may be."""
    order = dummy_order(now=datetime.now(UTC), nonce="x")
    texts = {one.form.replace("item_N_", "item_1_") for one in parameters(order) if one.kind in {"text", "options"}}
    texts -= {"event", "order_status", "payment_status", "format_version", "refund_id"}
    sent = {name: HOSTILE if name in texts else value for name, value in form_fields(order)}
    named = {f"custom_{HOSTILE}": HOSTILE, HOSTILE: HOSTILE}
    return sent | named | {"test": "false", "store_url": LINK, "order_id": "X-1"}


def _send(shop: Served, url: str) -> None:
    sent = hostile_order()
    shop.kit.controls.save(enabled=True, url=url, encoding="form", sends_secret_field=False)
    shop.post(sent)
    shop.post(sent | {"event_id": "evt_test", "order_id": HOSTILE, "test": "true"})
    shop.post(sent | {"event_id": HOSTILE, "order_id": "X-2", "order_status": HOSTILE})
    shop.post({"order_id": "X-1", "event": "order.refunded", "refund_total": "1", "reason": HOSTILE})
    shop.post(dict.fromkeys(sent, HOSTILE))
    shop.post({f"{name}{HOSTILE}": HOSTILE for name in sent})
    shop.post(order_fields(customer_email=f"{HOSTILE}@shop.example", total=HOSTILE))
    shop.post(
        {HOSTILE: HOSTILE}, prove=False, headers={"X-Shared-Secret": "no secret of ours", "User-Agent": HOSTILE[:40]}
    )
    shop.post(b"{" + HOSTILE.encode(), content_type="application/json", path="/orders/%3Cxss-canary%3E")
    saving.add(shop.kit, "hostile", kind="shopify")
    shop.post({HOSTILE: HOSTILE}, prove=False, path="/orders/hostile")
    with shop.kit.database.write() as session:
        draft = Draft(message_id="<x@shop.example>", recipient=HOSTILE, subject=HOSTILE, text=HOSTILE)
        outbox.add(session, draft, now=datetime.now(UTC))
    shop.settled()
    shop.kit.refusals.flush()
    shop.kit.notices.look()
