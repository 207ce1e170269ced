"""The merchant's own email templates: copies of the built-in ones, checked with sample orders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.mail import template_checks
from receiver.mail.notices import Trouble
from receiver.mail.templates import BUILT_IN, MailTemplates, Rendered
from receiver.orders import Order
from receiver.orders.sample import dummy_order
from receiver.storage.clock import utc_now

_ENDINGS = (".txt", ".html")
#: How many problems one alert names.
_MOST_NAMED = 5


class OwnMails:
    """The folder of the merchant's templates. They're checked again whenever a file changes."""

    def __init__(self, templates: MailTemplates, *, account_url: str = "") -> None:
        self._templates = templates
        self._account_url = account_url
        self._seen: dict[str, int] = {}
        self._broken: dict[str, str] = {}
        self._mutex = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of all emails: the built-in ones and the merchant's own."""
        folders = (BUILT_IN, self._templates.own)
        return sorted({path.stem for folder in folders for path in folder.glob("[!_]*.txt")})

    def preview(self, name: str, order: Order | None = None, *, language: str | None = None) -> Rendered:
        """Render an email for an order, or for a sample one. Raises ConfigurationError if its template is broken."""
        if name not in self.names():
            raise NotThere(f"There's no email template {name[:64]}. There are: {', '.join(self.names())}.")
        try:
            return self._templates.render_own(name, locale=language, **self._values(order or _sample_order()))
        except Exception as error:
            raise ConfigurationError(f"This email can't be written. {template_checks.where(error)}") from error

    def customise(self, name: str) -> list[Path]:
        """Copy the built-in template's files into the merchant's folder; return the files written.

        A file that's there already is left as it is. Raises NotPossible if all are, NotThere if the kit has no such
        template, and ConfigurationError if the folder isn't writable.
        """
        built_in = [path for path in sorted(BUILT_IN.iterdir()) if path.stem == name]
        if not built_in:
            known = ", ".join(sorted({path.stem for path in BUILT_IN.iterdir()}))
            raise NotThere(f"There's no built-in email template {name[:64]}. There are: {known}.")
        targets = [self._templates.own / path.name for path in built_in]
        written = [target for target in targets if not target.exists()]
        if not written:
            raise NotPossible(f"{' and '.join(map(str, targets))} already exists. Delete it to start over.")
        for target in written:
            try:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with target.open("x", encoding="utf-8") as file:
                    file.write((BUILT_IN / target.name).read_text("utf-8"))
            except OSError as error:
                raise ConfigurationError(f"Can't write {target}: {error.strerror}.") from error
        return written

    def check(self) -> None:
        """Try all emails if a file has changed. That takes some seconds if a template doesn't end."""
        with self._mutex:
            seen = self._last_changes()
            if seen != self._seen:
                self._templates.broken.clear()
                self._broken = dict(self._tried()) if seen else {}
                self._seen = seen

    def problems(self) -> list[str]:
        """Return a sentence for each broken template; the built-in one is sent instead."""
        self.check()
        return self._known()

    def troubles(self) -> list[Trouble]:
        """Return the alert about what the last check found, once for each state of the files."""
        problems = self._known()
        if not problems:
            return []
        return [
            Trouble.found(
                "mail_template",
                max(self._seen.values(), default=0),
                "One of your email templates is broken, so the built-in one is sent instead",
                *problems[:_MOST_NAMED],
                "No email is lost. Fix it, then preview it with: flask mail preview NAME",
            )
        ]

    def _known(self) -> list[str]:
        # What failed while sending, on an order unlike the sample, counts too.
        return [f"{name}: {why}" for name, why in sorted({**self._templates.broken, **self._broken}.items())]

    def _last_changes(self) -> dict[str, int]:
        """Return when each of the merchant's files was last changed or moved, in milliseconds."""
        files = (path for path in self._templates.own.rglob("*") if path.suffix in _ENDINGS and path.is_file())
        return {str(path): path.stat().st_ctime_ns // 1_000_000 for path in files}

    def _tried(self) -> Iterator[tuple[str, str]]:
        """Render each built-in email by the merchant's templates, for a full order and a nearly empty one."""
        for path in sorted(BUILT_IN.glob("[!_]*.txt")):
            for order in (_sample_order(), Order(order_id="1", order_date=utc_now())):
                try:
                    self._templates.render_own(path.stem, **self._values(order))
                except Exception as error:  # noqa: BLE001 - a merchant's template may fail in any way
                    yield path.stem, template_checks.where(error)
                    break

    def _values(self, order: Order) -> dict[str, Any]:
        """Return sample values for everything that a built-in email shows beside the order."""
        return {
            "order": order,
            "test": order.test,
            "url": "https://shop.example/link",
            "claim_url": "",
            "account_url": self._account_url,
            "console_url": "https://shop.example/admin/",
            "headline": "Order 1042 (Ada Lovelace, £19.99): book_courier failed after 9 attempts",
            "facts": (
                ("Order", "1042"),
                ("Handler", "book_courier"),
                ("Error", "ConnectionError: the courier doesn't answer (book_courier.py, line 11)"),
                ("Attempts", "9"),
            ),
            "cases": (),
            "lines": ("The order itself is safe. Once you've fixed the cause, run it again; the page asks first.",),
            "buttons": (
                ("Open order", "https://shop.example/admin/orders/rcp_00000001"),
                ("Run again", "https://shop.example/admin/orders/rcp_00000001/run"),
            ),
        }


def _sample_order() -> Order:
    return dummy_order(now=utc_now(), nonce="1").model_copy(update={"test": False})
