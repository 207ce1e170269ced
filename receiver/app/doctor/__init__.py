"""Look at everything that orders depend on, and say how to mend what is wrong; no secret is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from receiver.app.components import Kit
from receiver.app.doctor import running, set_up, stored
from receiver.app.doctor.card_data import card_data
from receiver.app.doctor.chunked_forms import chunked_forms
from receiver.app.doctor.finding import Finding
from receiver.errors import ReceiverError

__all__ = ["Finding", "diagnose"]

_CHECKS: tuple[Callable[[Kit], Iterator[Finding]], ...] = (
    set_up.release,
    set_up.settings,
    set_up.instance,
    stored.database,
    running.disk,
    set_up.secrets,
    set_up.weak_secrets,
    set_up.control_secrets,
    running.clock,
    running.refused,
    card_data,
    running.queue,
    chunked_forms,
    running.one_id,
    running.mail,
    running.mail_templates,
    set_up.sources,
    set_up.registrars,
    running.registrar,
    set_up.handlers,
    set_up.public_url,
)
_QUICK_CHECKS = (
    set_up.settings,
    set_up.instance,
    set_up.secrets,
    set_up.weak_secrets,
    set_up.mail_server,
    set_up.sources,
    set_up.registrars,
    set_up.handlers,
    set_up.public_url,
)


def diagnose(kit: Kit, *, quickly: bool = False) -> Iterator[Finding]:
    """Check settings, instance, database, secrets, queue, mail, handlers and public address, one after the other.

    ``quickly`` looks only at what is set up, and neither connects anywhere nor opens a write transaction.
    """
    for check in _QUICK_CHECKS if quickly else _CHECKS:
        try:
            yield from check(kit)
        except ReceiverError as error:
            yield Finding(check.__name__, "wrong", str(error))
