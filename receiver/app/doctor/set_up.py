"""Look at what is set up, and say how to mend what is wrong; nothing is connected to and nothing written."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from receiver.app import ownership
from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding
from receiver.dispatch import handler_changes
from receiver.security import sealed
from receiver.security.secret_strength import weakness
from receiver.security.signing import fingerprint
from receiver.settings.installation import VERSION
from receiver.settings.model import EXAMPLES, SETTINGS


def release(kit: Kit) -> Iterator[Finding]:  # noqa: ARG001 - every check is given the kit
    """Name this release of the kit and the Python that runs it."""
    yield Finding("release", "ok", f"order-receiver {VERSION} on Python {platform.python_version()}")


def settings(kit: Kit) -> Iterator[Finding]:
    """Name settings that are wrong, and examples that nobody has changed yet."""
    problems = [*kit.problems, *kit.paused]
    for problem in problems:
        yield Finding("settings", "wrong", problem)
    if not problems:
        yield Finding("settings", "ok", f"{len(SETTINGS)} settings read from {kit.instance} and environment")
    for warning in kit.setting_warnings:
        yield Finding("settings", "warning", warning)
    examples = [name for name in EXAMPLES if getattr(kit.settings, name) == SETTINGS[name].default]
    if examples:
        yield Finding(
            "settings", "warning", f"still the example values: {', '.join(examples)}. Set them in config.toml"
        )


def instance(kit: Kit) -> Iterator[Finding]:
    """Check that the instance folder exists and only its owner can read it."""
    if not kit.instance.is_dir():
        yield Finding("instance", "wrong", f"{kit.instance} doesn't exist. Run `flask init`")
        return
    for path in (kit.instance, kit.instance / "secret_key", kit.instance / "config.toml"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("instance", "wrong", f"other users can read {path}. Run: chmod go= {path}")
            return
    strangers = list(ownership.problems(kit.instance, Path(kit.database.engine.url.database or "")))
    for problem in strangers:
        yield Finding("instance", "wrong", problem)
    if not strangers:
        yield Finding("instance", "ok", f"only its owner can read {kit.instance}")


def secrets(kit: Kit) -> Iterator[Finding]:
    """Name the active shared secrets, and those that can't be decrypted."""
    with kit.database.read() as session:
        rows = kit.shared_secrets.listing(session, now=datetime.now(UTC))
    active = [row["fingerprint"] for row in rows if row["state"] == "active"]
    unreadable = [row["fingerprint"] for row in rows if row["state"] == "unreadable"]
    if active:
        yield Finding("secrets", "ok", f"active: {', '.join(active)}")
    elif unreadable:
        yield Finding("secrets", "wrong", "none can be read, so /orders always answers 503")
    else:
        yield Finding("secrets", "wrong", "none is active, so every POST is refused. Add one: flask secret add")
    if unreadable and kit.settings.SECRET_KEY:
        text = f"{', '.join(unreadable)} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or "
        yield Finding("secrets", "wrong", f"{text}run `flask init --new-key` and add them again")


def weak_secrets(kit: Kit) -> Iterator[Finding]:
    """Name the secrets that are easily guessed; they still hold, since an order that is refused is lost."""
    active = [
        *kit.shared_secrets.keyring().active,
        *kit.sources.secrets,
        kit.settings.FORWARD_SECRET.get_secret_value().strip(),
    ]
    for secret in dict.fromkeys(filter(None, active)):
        if why := weakness(secret):
            text = f"{fingerprint(secret)} is easy to guess: {why}. Create a new one with `flask secret add`, give it "
            yield Finding("secrets", "warning", f"{text}to the service, and remove this one")


def control_secrets(kit: Kit) -> Iterator[Finding]:
    """Name the Order Control's secrets that cannot be decrypted; nothing is said when all can."""
    closed = sealed.unreadable(kit.database.engine, kit.settings.SECRET_KEY.get_secret_value(), sealed.ORDER_CONTROL)
    if closed and kit.settings.SECRET_KEY:
        text = f"{closed[0]} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or run "
        yield Finding("relay", "wrong", f"{text}`flask relay rotate` and give the new one to the receiving server")


def mail_server(kit: Kit) -> Iterator[Finding]:
    """Report where emails are saved while no server is set, and a password sent unencrypted."""
    server, is_encrypted = kit.settings.MAIL_SERVER, kit.settings.MAIL_USE_TLS or kit.settings.MAIL_USE_SSL
    if not server:
        text = f"MAIL_SERVER isn't set: emails are saved in {kit.instance / 'outbox'} and not sent"
        yield Finding("mail", "warning", text)
    elif kit.settings.MAIL_USERNAME and not is_encrypted and server not in {"localhost", "127.0.0.1", "::1"}:
        text = "MAIL_PASSWORD is sent unencrypted: set MAIL_USE_TLS (port 587) or MAIL_USE_SSL (port 465)"
        yield Finding("mail", "warning", text)


def handlers(kit: Kit) -> Iterator[Finding]:
    """Name the handlers that run, and what kept others from being loaded."""
    for problem in kit.registry.problems:
        yield Finding("handlers", "wrong", problem)
    for said in (*kit.registry.not_yet, *kit.registry.notes):
        yield Finding("handlers", "warning", said)
    for difference in handler_changes.differences(kit.database, kit.registry):
        yield Finding("handlers", "wrong", difference)
    outdated = handler_changes.outdated(kit.database, kit.registry)
    if names := ", ".join(handler.name for handler in kit.registry.handlers if handler.name not in outdated):
        yield Finding("handlers", "ok", names)
    elif not kit.registry.handlers:
        yield Finding("handlers", "warning", "none run. See HANDLERS")


def sources(kit: Kit) -> Iterator[Finding]:
    """Name the kinds of source of the merchant's own, if any, and what kept others from being loaded."""
    for problem in kit.sources.kinds.problems:
        yield Finding("sources", "wrong", problem)
    if kit.sources.kinds.types:
        yield Finding("sources", "ok", ", ".join(sorted(kit.sources.kinds.types)))


def registrars(kit: Kit) -> Iterator[Finding]:
    """Name what REGISTRAR may be, and what kept registrars from being loaded."""
    for problem in kit.registrars.problems:
        yield Finding("registrars", "wrong", problem)
    yield Finding("registrars", "ok", ", ".join(kit.registrars.names))


def public_url(kit: Kit) -> Iterator[Finding]:
    """Check that PUBLIC_URL is https, and that a proxy is in front."""
    url = urlsplit(kit.settings.PUBLIC_URL)
    if url.scheme == "https":
        yield Finding("public url", "ok", f"{kit.settings.PUBLIC_URL}: the service posts to …/orders")
    else:
        text = "PUBLIC_URL isn't https: fine for testing, but orders contain personal data. See “Deploy” in Help"
        yield Finding("public url", "warning", text)
    if url.scheme != "https" and not kit.settings.TRUSTED_PROXIES and not _is_this_machine(url.hostname or ""):
        text = (
            "PUBLIC_URL isn't this machine's own address, and TRUSTED_PROXIES is 0: without a proxy in front "
            "nothing is encrypted, and slow clients tie up the server's threads. "
            "See “Deploy” in Help"
        )
        yield Finding("proxies", "warning", text)
    if url.scheme == "https" and not kit.settings.TRUSTED_PROXIES:
        text = (
            "TRUSTED_PROXIES is 0: behind a proxy, all visitors share its address, and so one limit on wrong "
            "passwords. Set it to the number of proxies in front, usually 1. Without a proxy, slow clients tie up "
            "the server's threads"
        )
        yield Finding("proxies", "warning", text)
    if kit.settings.RELAY_ALLOW_PRIVATE and url.scheme != "https":
        text = "RELAY_ALLOW_PRIVATE is on: handlers and the relay can call addresses inside your network"
        yield Finding("relay", "warning", text)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
