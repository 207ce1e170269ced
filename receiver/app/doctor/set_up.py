"""Check the set-up: settings, folder, secrets, handlers, public URL. Connects nowhere and writes nothing."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from receiver.app import private_paths
from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding, ok, warning, wrong, wrong_or_ok
from receiver.app.serving import is_this_machine
from receiver.dispatch import handler_changes
from receiver.security import sealed
from receiver.security.secret_strength import weakness
from receiver.security.signing import fingerprint
from receiver.settings.installation import VERSION
from receiver.settings.model import EXAMPLES, FILE, SETTINGS
from receiver.sources import Source


def release(kit: Kit) -> Iterator[Finding]:  # noqa: ARG001 - every check is given the kit
    """Name this release of the kit and the Python that runs it."""
    yield ok("release", f"order-receiver {VERSION} on Python {platform.python_version()}")


def settings(kit: Kit) -> Iterator[Finding]:
    """Name settings that are wrong, and examples that nobody has changed yet."""
    read = f"{len(SETTINGS)} settings read from {kit.instance} and environment"
    yield from wrong_or_ok("settings", [*kit.problems, *kit.paused], read)
    yield from (warning("settings", said) for said in kit.setting_warnings)
    examples = [name for name in EXAMPLES if getattr(kit.settings, name) == SETTINGS[name].default]
    if examples:
        yield warning("settings", f"still the example values: {', '.join(examples)}. Set them in config.toml")


def instance(kit: Kit) -> Iterator[Finding]:
    """Check that the instance folder exists and only its owner can read it and what's private in it."""
    if not kit.instance.is_dir():
        yield wrong("instance", f"{kit.instance} doesn't exist. Run `flask init`")
        return
    where = (kit.instance, kit.database.path)
    found = [*private_paths.exposed(*where), *strangers(*where)]
    yield from wrong_or_ok("instance", found, f"only its owner can read {kit.instance}")


def strangers(instance: Path, database: Path | None) -> Iterator[str]:
    """Yield a sentence with the fix for each file of another owner, and if this process is of another user."""
    owner = instance.stat().st_uid
    files = [instance / name for name in ("secret_key", "config.toml", "write.lock")]
    for path in (*files, *private_paths.of_database(database)):
        if path.exists() and path.stat().st_uid != owner:
            theirs, ours = _user(path.stat().st_uid), _user(owner)
            yield f"{path} belongs to {theirs}, the folder to {ours}, who runs the server. Run: chown {ours} {path}"
    if os.geteuid() not in {0, owner}:
        yield f"{instance} belongs to {_user(owner)}, this process to {_user(os.geteuid())}. Run it as {_user(owner)}"


def _user(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def secrets(kit: Kit) -> Iterator[Finding]:
    """Name the active shared secrets, and those that can't be decrypted."""
    with kit.database.read() as session:
        rows = kit.shared_secrets.listing(session, now=datetime.now(UTC))
    active = [row["fingerprint"] for row in rows if row["state"] == "active"]
    unreadable = [row["fingerprint"] for row in rows if row["state"] == "unreadable"]
    kit.sources.look_again()
    own = [source.name for source in kit.sources.known if source.secrets]
    if active:
        yield ok("secrets", f"active: {', '.join(active)}")
    elif own and not unreadable:
        yield ok("secrets", f"none is shared, so only POSTs to sources with their own are taken: {', '.join(own)}")
    else:
        none_is_active = "none is active, so every POST is refused. Add one: flask secret add"
        yield wrong("secrets", "none can be read, so /orders always answers 503" if unreadable else none_is_active)
    if unreadable and kit.settings.SECRET_KEY:
        text = f"{', '.join(unreadable)} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or "
        yield wrong("secrets", f"{text}run `flask init --new-key` and add them again")


def weak_secrets(kit: Kit) -> Iterator[Finding]:
    """Name the secrets that are easy to guess. They stay active, since a refused order is lost."""
    shared = [*kit.shared_secrets.keyring().active, kit.settings.FORWARD_SECRET.get_secret_value().strip()]
    fix = "Create a new one with `flask secret add`, give it to the service, and remove this one"
    fixes = {secret: fix for secret in shared if secret}
    for source in kit.sources.known:
        if source.guide is None or source.guide.is_chosen:  # otherwise the shop dictates it
            fixes |= {secret: _new_secret_of(source) for secret in source.secrets if secret not in fixes}
    for secret, fix in fixes.items():
        if why := weakness(secret):
            yield warning("secrets", f"{fingerprint(secret)} is easy to guess: {why}. {fix}")


def _new_secret_of(source: Source) -> str:
    """Return how a source gets another secret."""
    said = f"It's a secret of the source {source.name}. Give the shop a new one, and enter it "
    if source.is_saved:
        return f"{said}with `flask sources secret {source.name}`"
    return f"{said}in {FILE}, below [sources.{source.name}], instead of this one"


def control_secrets(kit: Kit) -> Iterator[Finding]:
    """Name the Order Control's secrets that can't be decrypted, if any."""
    closed = sealed.unreadable(kit.database, kit.settings.SECRET_KEY.get_secret_value(), sealed.ORDER_CONTROL)
    if closed and kit.settings.SECRET_KEY:
        text = f"{closed[0]} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or run "
        yield wrong("relay", f"{text}`flask relay rotate` and give the new one to the receiving server")


def mail_server(kit: Kit) -> Iterator[Finding]:
    """Report where emails are saved while no server is set, and a password sent unencrypted."""
    server, is_encrypted = kit.settings.MAIL_SERVER, kit.settings.MAIL_USE_TLS or kit.settings.MAIL_USE_SSL
    if not server:
        yield warning("mail", f"MAIL_SERVER isn't set: emails are saved in {kit.instance / 'outbox'} and not sent")
    elif kit.settings.MAIL_USERNAME and not is_encrypted and server not in {"localhost", "127.0.0.1", "::1"}:
        text = "MAIL_PASSWORD is sent unencrypted: set MAIL_USE_TLS (port 587) or MAIL_USE_SSL (port 465)"
        yield warning("mail", text)


def handlers(kit: Kit) -> Iterator[Finding]:
    """Name the handlers that run, and why others couldn't be loaded."""
    yield from (wrong("handlers", problem) for problem in kit.registry.problems)
    yield from (warning("handlers", said) for said in kit.registry.notes)
    yield from (wrong("handlers", said) for said in handler_changes.differences(kit.database, kit.registry))
    outdated = handler_changes.outdated(kit.database, kit.registry)
    if names := ", ".join(handler.name for handler in kit.registry.handlers if handler.name not in outdated):
        yield ok("handlers", names)
    elif not kit.registry.handlers:
        yield warning("handlers", "none run. See HANDLERS")


def sources(kit: Kit) -> Iterator[Finding]:
    """Name the merchant's own kinds of source, why others couldn't be loaded, and secrets that can't be decrypted."""
    closed = sealed.unreadable(kit.database, kit.secret_key, sealed.OF_SOURCE)
    if closed and kit.secret_key:
        text = f"{closed[0]} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or "
        yield wrong("sources", f"{text}{sealed.OF_SOURCE.again}")
    yield from (wrong("sources", problem) for problem in kit.sources.kinds.problems)
    own = [name for name, kind in kit.sources.kinds.types.items() if not kind.__module__.startswith("receiver.")]
    if own:
        yield ok("sources", ", ".join(sorted(own)))


def registrars(kit: Kit) -> Iterator[Finding]:
    """Name the values that REGISTRAR may have, and why other registrars couldn't be loaded."""
    yield from (wrong("registrars", problem) for problem in kit.registrars.problems)
    yield ok("registrars", ", ".join(kit.registrars.names))


def public_url(kit: Kit) -> Iterator[Finding]:
    """Check that PUBLIC_URL is https, and that a proxy is in front."""
    url, has_proxy = urlsplit(kit.settings.PUBLIC_URL), kit.settings.TRUSTED_PROXIES > 0
    if url.scheme == "https":
        yield ok("public url", f"{kit.settings.PUBLIC_URL}: the service posts to …/orders")
        if not has_proxy:
            text = (
                "TRUSTED_PROXIES is 0: behind a proxy, all visitors share its address, and so one limit on wrong "
                "passwords. Set it to the number of proxies in front, usually 1. Without a proxy, a few clients that "
                "stall keep orders out for up to 30 s"
            )
            yield warning("proxies", text)
        if kit.settings.RELAY_ALLOW_PRIVATE:
            text = "RELAY_ALLOW_PRIVATE has no effect, because PUBLIC_URL is https. Handlers have HTTP_ALLOW"
            yield warning("relay", text)
        return
    text = "PUBLIC_URL isn't https: fine for testing, but orders contain personal data. See “Deploy” in Help"
    yield warning("public url", text)
    if not has_proxy and not is_this_machine(url.hostname or ""):
        text = (
            "PUBLIC_URL isn't this machine's own address, and TRUSTED_PROXIES is 0: without a proxy in front "
            "nothing is encrypted, and a few clients that stall keep orders out for up to 30 s. See “Deploy” in Help"
        )
        yield warning("proxies", text)
    if kit.settings.RELAY_ALLOW_PRIVATE:
        text = "RELAY_ALLOW_PRIVATE is on: the relay can call addresses inside your network"
        yield warning("relay", text)
