"""What a wrong setting stops: receiving, some jobs, or nothing but itself."""

from __future__ import annotations

import json
from typing import Any

from receiver.settings.model import SETTINGS, plain

#: What receiving needs: while one of these is wrong, /orders answers 503.
NEEDED = frozenset(
    {"SECRET_KEY", "SHARED_SECRETS", "REQUIRE_SIGNATURE", "DATABASE_URL", "MAX_BODY_BYTES", "MAX_FIELDS"}
)
#: Which jobs wait while a setting is wrong: with its default they'd do what nobody meant, and it can't be undone.
WAITING: dict[str, frozenset[str]] = {
    "HANDLERS": frozenset({"orders"}),
    **dict.fromkeys(
        ("MAIL_SERVER", "MAIL_PORT", "MAIL_USE_TLS", "MAIL_USE_SSL", "MAIL_USERNAME", "MAIL_PASSWORD"),
        frozenset({"mails"}),
    ),
    **dict.fromkeys(
        ("SHOP_NAME", "MERCHANT_EMAIL", "MAIL_DEFAULT_SENDER", "PUBLIC_URL"), frozenset({"orders", "mails"})
    ),
    "REGISTRAR": frozenset({"orders", "registrations"}),
    "FORWARD_SECRET": frozenset({"orders", "transmissions"}),
}
#: What a wrong setting counts as, where that isn't its default: what's purged is gone.
INSTEAD: dict[str, Any] = {"RETENTION_DAYS": 0}
#: The kinds of jobs, as the merchant knows them.
_JOBS = {
    "orders": "handlers",
    "mails": "emails",
    "transmissions": "orders that are sent on",
    "registrations": "registrations",
}


def meanwhile(name: str) -> str:
    """Return what happens to orders while a setting that receiving doesn't need is wrong."""
    if name in WAITING:
        return f"Orders are taken; {' and '.join(sorted(map(_JOBS.__getitem__, WAITING[name])))} wait until it's fixed."
    return f"Until it's fixed, {json.dumps(plain(INSTEAD.get(name, SETTINGS[name].default)))} holds."
