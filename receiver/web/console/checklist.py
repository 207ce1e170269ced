"""What's left to set up, taken from what `flask doctor` finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select

from receiver.app.components import Kit
from receiver.app.doctor import Finding
from receiver.settings.model import EXAMPLES
from receiver.storage.models import OrderRow


@dataclass(frozen=True)
class Step:
    """One set-up step: whether it's done, what it's about, and where or how to do it."""

    name: str
    is_done: bool
    text: str
    url: str = ""
    url_label: str = ""
    command: str = ""
    is_optional: bool = False


def steps(kit: Kit, found: Iterable[Finding]) -> list[Step]:
    """Return the steps in the order to do them in."""
    texts = {(one.subject, one.state): one.text for one in found}
    settings_url = url_for("console.settings")
    return [
        Step(
            "Add the service's shared secret",
            ("secrets", "ok") in texts,
            texts.get(("secrets", "ok")) or texts.get(("secrets", "wrong"), ""),
            url=f"{settings_url}#secrets",
            url_label="Add it in Settings",
            command="flask secret add SECRET",
        ),
        Step(
            "Receive a first order or test",
            _has_orders(kit),
            "Runs a test order end to end. It isn't counted.",
            url=url_for("console.set_up"),
            url_label="Show me how",
            command="flask selftest",
        ),
        Step(
            "Name your shop",
            ("settings", "warning") not in texts,
            texts.get(("settings", "warning")) or f"{', '.join(EXAMPLES)} are set",
            url=f"{settings_url}#in-force",
            url_label="See the settings",
        ),
        Step(
            "Set up your mail server",
            ("mail", "warning") not in texts,
            texts.get(("mail", "warning")) or kit.settings.MAIL_SERVER,
            url=f"{settings_url}#in-force",
            url_label="See the settings",
            is_optional=True,
        ),
        Step(
            "Serve it over https",
            ("public url", "ok") in texts,
            texts.get(("public url", "ok")) or texts.get(("public url", "warning"), ""),
            url=url_for("console.set_up"),
            url_label="Show me how",
        ),
    ]


def _has_orders(kit: Kit) -> bool:
    with kit.database.read() as session:
        return session.scalar(select(OrderRow.id).limit(1)) is not None
