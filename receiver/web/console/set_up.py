"""Help → Set-up: the way from here to production, with this instance's own addresses."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, render_template

from receiver.app.components import current_kit
from receiver.app.doctor import diagnose
from receiver.sources.source import DEFAULT
from receiver.web.console import checklist
from receiver.web.console.blueprint import console

_CURL = """\
SECRET='paste the secret here'
curl -i {url} \\
  -H "X-Shared-Secret: $SECRET" \\
  -d order_id=A-1001 -d currency=GBP -d total=19.99 \\
  -d customer_email=ada@your-shop.example -d customer_first_name=Ada \\
  -d item_1_name='Enamel mug' -d item_1_quantity=1 -d item_1_unit_price=19.99"""


@console.get("/help/set-up")
def set_up() -> str:
    """Show what to do next, in order."""
    kit = current_kit()
    address = f"{kit.settings.PUBLIC_URL.rstrip('/')}/orders"
    steps = checklist.steps(kit, diagnose(kit, quickly=True))
    others = sorted(set(kit.settings.sources) - {DEFAULT})
    return render_template(
        "console/set_up.html",
        done=[step.is_done for step in steps],
        address=address,
        others=[f"{address}/{name}" for name in others],
        curl="" if kit.settings.REQUIRE_SIGNATURE else _CURL.format(url=address),
        folder=Path(current_app.root_path).parent,
        instance=kit.instance,
        database=kit.database.engine.url.database,
        is_https=address.startswith("https:"),
    )
