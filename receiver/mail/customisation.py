"""The merchant's own mail templates: copied from the built-in ones, tried on made-up orders, told of when broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.mail import template_checks
from receiver.mail.notices import Trouble
from receiver.mail.templates import BUILT_IN, MailTemplates, Rendered
from receiver.orders import Order
from receiver.orders.sample import dummy_order

_ENDINGS = (".txt", ".html")
_TOLD_AT_ONCE = 5


class OwnMails:
    """The folder of the merchant's templates; they are checked again when a file changes."""

    def __init__(self, templates: MailTemplates, *, account_url: str = "") -> None:
        self._templates = templates
        self._account_url = account_url
        self._seen: dict[str, int] = {}
        self._broken: dict[str, str] = {}
        self._mutex = threading.Lock()

    def names(self) -> list[str]:
        """Name all mails: the built-in ones and the merchant's."""
        folders = (BUILT_IN, self._templates.own)
        return sorted({path.stem for folder in folders for path in folder.glob("[!_]*.txt")})

    def preview(self, name: str, order: Order | None = None, *, language: str | None = None) -> Rendered:
        """Render a mail for an order, else for a made-up one; raises ConfigurationError with what is wrong."""
        if name not in self.names():
            raise NotThere(f"There's no email template {name[:64]}. There are: {', '.join(self.names())}.")
        try:
            return self._templates.render_own(name, locale=language, **self._values(order or _made_up()))
        except Exception as error:
            raise ConfigurationError(f"This email can't be written. {template_checks.where(error)}") from error

    def customise(self, name: str) -> list[Path]:
        """Copy the built-in template to where the merchant's are looked for first; never overwrites.

        Gives the files written. Raises NotPossible when there is nothing to copy, or it is there already.
        """
        built_in = [path for path in sorted(BUILT_IN.iterdir()) if path.stem == name]
        if not built_in:
            known = ", ".join(sorted({path.stem for path in BUILT_IN.iterdir()}))
            raise NotThere(f"There's no built-in email template {name[:64]}. There are: {known}.")
        written = [path for source in built_in if (path := self._copy(source))]
        if not written:
            there = " and ".join(str(self._templates.own / path.name) for path in built_in)
            raise NotPossible(f"{there} already exists. Delete it to start over.")
        return written

    def check(self) -> None:
        """Try all mails if a file has changed; this can take seconds for templates that do not end."""
        with self._mutex:
            seen = self._look()
            if seen != self._seen:
                self._templates.broken.clear()
                self._broken = dict(self._tried()) if seen else {}
                self._seen = seen

    def problems(self) -> list[str]:
        """Return which of the merchant's templates are broken, and where; the built-in ones replace them."""
        self.check()
        return self._known()

    def _known(self) -> list[str]:
        broken = {**self._templates.broken, **self._broken}
        return [f"{name}: {why}" for name, why in sorted(broken.items())]

    def troubles(self) -> list[Trouble]:
        """Return what the merchant is to be told by the last check: once for each state that the templates are in."""
        problems = self._known()
        if not problems:
            return []
        newest = max(self._seen.values(), default=0)
        return [
            Trouble(
                kind="mail_template",
                newest=lambda _session: newest,
                headline="One of your email templates is broken, so the built-in one is sent instead",
                lines=(
                    *problems[:_TOLD_AT_ONCE],
                    "No email is lost. Fix it, then preview it with: flask mail preview NAME",
                ),
            )
        ]

    def _copy(self, source: Path) -> Path | None:
        target = self._templates.own / source.name
        if target.exists():
            return None
        try:
            self._templates.own.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                file.write(source.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"Can't write {target}: {error.strerror}.") from error
        return target

    def _look(self) -> dict[str, int]:
        """Return each of the merchant's files with the time it was last changed, moved or put there."""
        found = {}
        for path in self._templates.own.rglob("*"):
            if path.suffix in _ENDINGS and path.is_file():
                found[str(path)] = path.stat().st_ctime_ns // 1_000_000
        return found

    def _tried(self) -> Iterator[tuple[str, str]]:
        """Try each built-in mail as the merchant's templates make it, with a full order and with an empty one."""
        for path in sorted(BUILT_IN.glob("[!_]*.txt")):
            for order in (_made_up(), Order(order_id="1", order_date=datetime.now(UTC))):
                try:
                    self._templates.render_own(path.stem, **self._values(order))
                except Exception as error:  # noqa: BLE001 - a merchant's template may fail in any way
                    yield path.stem, template_checks.where(error)
                    break

    def _values(self, order: Order) -> dict[str, Any]:
        """Return values, made up where need be, for all that a built-in mail shows beside the order."""
        return {
            "order": order,
            "test": order.test,
            "url": "https://shop.example/link",
            "claim_url": "",
            "account_url": self._account_url,
            "console_url": "https://shop.example/admin/",
            "headline": "A handler failed on an order",
            "lines": ("It failed on every attempt. The order itself is safe.",),
        }


def _made_up() -> Order:
    return dummy_order(now=datetime.now(UTC), nonce="1").model_copy(update={"test": False})
