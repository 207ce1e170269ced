"""Check everything that orders depend on, and say how to fix what's wrong. Shows no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from receiver.app.components import Kit
from receiver.app.doctor import received, running, safekeeping, set_up, stored
from receiver.app.doctor.finding import Finding, wrong
from receiver.errors import ReceiverError

__all__ = ["Finding", "diagnose"]

#: The checks in their order, and whether a quick look makes them too.
_CHECKS: dict[Callable[[Kit], Iterator[Finding]], bool] = {
    set_up.release: False,
    set_up.settings: True,
    set_up.instance: True,
    stored.database: False,
    running.disk: False,
    safekeeping.backup: True,
    safekeeping.hold: True,
    set_up.secrets: True,
    set_up.weak_secrets: True,
    set_up.control_secrets: False,
    running.clock: False,
    received.refused: False,
    received.silence: False,
    received.quarantine: False,
    received.card_data: False,
    running.queue: False,
    running.hints: False,
    received.chunked_forms: False,
    received.one_id: False,
    set_up.mail_server: True,
    running.mail: False,
    running.mail_templates: False,
    set_up.sources: True,
    set_up.registrars: True,
    running.registrar: False,
    set_up.handlers: True,
    set_up.public_url: True,
}


def diagnose(kit: Kit, *, quickly: bool = False) -> Iterator[Finding]:
    """Check settings, instance, database, secrets, jobs, mail, handlers and public address, one after the other.

    ``quickly`` looks only at what is set up, and neither connects anywhere nor opens a write transaction.
    """
    for check, is_quick in _CHECKS.items():
        if quickly and not is_quick:
            continue
        try:
            yield from check(kit)
        except ReceiverError as error:
            yield wrong(check.__name__, str(error))
