"""Help → Set-up: the way from here to production, and which steps are left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flask import current_app, render_template, url_for
from sqlalchemy import select

from receiver.app.doctor import Finding, diagnose
from receiver.settings.model import EXAMPLES
from receiver.sources.source import DEFAULT
from receiver.storage.models import OrderRow
from receiver.web import kit
from receiver.web.console.blueprint import console

_CURL = """\
SECRET='paste the secret here'
curl -i {url} \\
  -H "X-Shared-Secret: $SECRET" \\
  -d order_id=A-1001 -d currency=GBP -d total=19.99 \\
  -d customer_email=ada@your-shop.example -d customer_first_name=Ada \\
  -d item_1_name='Enamel mug' -d item_1_quantity=1 -d item_1_unit_price=19.99"""


@dataclass(frozen=True)
class Step:
    """One set-up step: whether it's done, what it's about, and where or how to do it."""

    name: str
    is_done: bool
    text: str
    #: Label and address.
    link: tuple[str, str]
    command: str = ""
    is_optional: bool = False


@console.get("/help/set-up")
def set_up() -> str:
    """Show what to do next, in order, with this instance's own addresses."""
    address = f"{kit.settings.PUBLIC_URL.rstrip('/')}/orders"
    kit.sources.look_again()
    others = sorted(source.name for source in kit.sources.known if source.name != DEFAULT)
    return render_template(
        "console/set_up.html",
        done=[step.is_done for step in steps(diagnose(kit, quickly=True))],
        address=address,
        others=others,
        curl="" if kit.settings.REQUIRE_SIGNATURE else _CURL.format(url=address),
        folder=Path(current_app.root_path).parent,
        instance=kit.instance,
        database=kit.database.shown(),
        is_https=address.startswith("https:"),
    )


def steps(found: Iterable[Finding]) -> list[Step]:
    """Return the steps in the order to do them in, taken from what `flask doctor` finds quickly."""
    texts = {(one.subject, one.state): one.text for one in found}
    with kit.database.read() as session:
        has_orders = session.scalar(select(OrderRow.id).limit(1)) is not None
    current_settings = ("See the settings", url_for("console.settings", _anchor="in-force"))
    how = ("Show me how", url_for("console.set_up"))
    return [
        Step(
            "Add the service's shared secret, or a shop",
            ("secrets", "ok") in texts,
            texts.get(("secrets", "ok")) or texts.get(("secrets", "wrong"), ""),
            ("Add it in Settings", url_for("console.settings", _anchor="secrets")),
            command="flask secret add SECRET",
        ),
        Step(
            "Receive a first order or test",
            has_orders,
            "Runs a test order end to end. It isn't counted.",
            how,
            command="flask selftest",
        ),
        Step(
            "Name your shop",
            ("settings", "warning") not in texts,
            texts.get(("settings", "warning")) or f"{', '.join(EXAMPLES)} are set",
            current_settings,
        ),
        Step(
            "Set up your mail server",
            ("mail", "warning") not in texts,
            texts.get(("mail", "warning")) or kit.settings.MAIL_SERVER,
            current_settings,
            is_optional=True,
        ),
        Step(
            "Serve it over https",
            ("public url", "ok") in texts,
            texts.get(("public url", "ok")) or texts.get(("public url", "warning"), ""),
            how,
        ),
    ]
