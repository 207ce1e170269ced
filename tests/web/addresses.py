"""Each route of the app as a request that leads to something that's there, and people who are signed in."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import NamedTuple

from flask import Flask

from receiver.storage.models import MailRow
from receiver.storage.relay_models import TransmissionRow
from tests.served import Served
from tests.sources import saving
from tests.waiting import SOON
from tests.web.console.filling import fill
from tests.web.console.visitor import Visitor

#: A customer's password.
PASSWORD = "four plain words here"
_LINK = re.compile(r"/account/claim/([A-Za-z0-9_.-]+)")


class Address(NamedTuple):
    """One method of one route."""

    endpoint: str
    method: str
    path: str


def filled(shop: Served) -> dict[str, str]:
    """Put something of every kind into a receiver, and return what stands in its addresses, by the argument's name."""
    fill(shop)
    return {
        "_unknown": "nowhere",
        "event_id": shop.rows(TransmissionRow)[0].event_id,
        "filename": "page.css",
        "fingerprint": saving.add(shop.kit),
        "mail_id": "1",
        "name": "shop",
        "pk": "1",
        "receipt": "rcp_00000001",
        "source": "shop",
        "token": mailed_link(shop),
        "unknown": "nowhere",
    }


def stop_all_work(shop: Served) -> None:
    """End what a receiver does by itself, the upkeep too: what changes from now on, a request has changed."""
    shop.kit.engine.stop()
    for thread in threading.enumerate():
        # Other receivers of this process, such as an earlier test's, may go on.
        if getattr(getattr(thread, "_target", None), "__self__", None) is shop.kit.engine:
            thread.join(SOON)


def mailed_link(shop: Served) -> str:
    """Return what follows /account/claim/ in the first email that has such a link."""
    return next(found[1] for mail in shop.rows(MailRow) if (found := _LINK.search(mail.text)))


def addresses(app: Flask, values: dict[str, str], prefix: str = "/") -> Iterator[Address]:
    """Yield every route below a prefix with each of its methods: what's new in the app is there by itself."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(prefix):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Address(rule.endpoint, method, path)


def administrator(shop: Served) -> Visitor:
    """Return somebody who is signed in to the console."""
    visitor = Visitor(shop.base)
    visitor.sign_in(follow=False)
    return visitor


def customer(shop: Served, link: str) -> Visitor:
    """Return somebody who has claimed an account by the link, or signs in to it once that's used."""
    visitor = Visitor(shop.base)
    page = visitor.get(f"/account/claim/{link}", follow=False)
    if page.status == 200:
        sent = {"new": PASSWORD, "again": PASSWORD}
        visitor.post(f"/account/claim/{link}", sent, token=page.token, follow=False)
    else:
        sent = {"email": "ada@shop.example", "password": PASSWORD}
        visitor.post("/account/sign-in", sent, token=visitor.get("/account/sign-in").token, follow=False)
    return visitor
