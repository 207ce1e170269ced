"""Checks of single settings: each returns what's wrong and how to fix it, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from receiver.errors import ConfigurationError
from receiver.orders.email_addresses import deliverable
from receiver.security import allowed_hosts
from receiver.security.secret_strength import weakness_of_key
from receiver.security.signing import clean_secret

_YEAR = 31_536_000
#: How the URL of a database on a server begins; the driver is always psycopg.
_POSTGRESQL = ("postgresql://", "postgresql+psycopg://", "postgres://")
#: Fewest characters of a key that can't be guessed.
SHORTEST_KEY = 32
#: Fewest characters of a token.
_SHORTEST_TOKEN = 16


def between(lowest: int, highest: int) -> Callable[[int], str | None]:
    """Make a check that a number lies in a range, ends included."""

    def check(value: int) -> str | None:
        return None if lowest <= value <= highest else f"must be {lowest} to {highest}"

    return check


def optional(check: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Make a check that also takes the empty text, which means that the setting isn't used."""
    return lambda value: check(value) if value else None


def secret_key(value: str) -> str | None:
    """Require a key that can't be guessed; never shows it."""
    fix = "set what `openssl rand -hex 32` prints, or remove it, and run `flask init --new-key`"
    if 0 < len(value) < SHORTEST_KEY:
        return f"must have {SHORTEST_KEY} characters or more; {fix}"
    why = weakness_of_key(value) if value else None
    return f"is easy to guess: {why}; {fix}" if why else None


def secret(value: str) -> str | None:
    """Require a text that both sides can have as their secret; never shows it."""
    try:
        clean_secret(value)
    except ConfigurationError as error:
        return f"can't be a secret: {str(error).rstrip('.')}"
    return None


def bearer_token(value: str) -> str | None:
    """Require a token that an Authorization header can hold (RFC 6750, 2.1) and that can't be guessed."""
    if re.fullmatch(rf"[A-Za-z0-9._~+/-]{{{_SHORTEST_TOKEN},}}=*", value):
        return None
    return (
        f"must have {_SHORTEST_TOKEN} characters or more, all of them letters, digits or . _ ~ + / -; make one with "
        "`openssl rand -hex 32`"
    )


def database_url(value: str) -> str | None:
    """Require a SQLite file or a database on a PostgreSQL server; never shows it, for it may hold a password."""
    path = value.removeprefix("sqlite:///")
    if not value or (path != value and path not in {"", ":memory:"} and not path.startswith("?")):
        return None
    with suppress(ArgumentError, ValueError):
        url = make_url(value)
        if "@" in (url.host or ""):  # it's the rest of the password, which errors would show as the server's name
            return "must have %40 for each @ in its password"
        if url.database and value.startswith(_POSTGRESQL):
            return None
    return "must begin with sqlite:/// or postgresql:// and name a file or a database"


def queue_url(value: str) -> str | None:
    """Require the address of a Redis server; never shows it, since it may hold a password."""
    with suppress(ValueError):
        parts = urlsplit(value)
        is_server = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
        if is_server and re.fullmatch(r"(/\d{0,4})?", parts.path) and not parts.query and not parts.fragment:
            return None
    return (
        "must be an address such as redis://:password@127.0.0.1:6379/0, or rediss:// for TLS; in a password write "
        "%23 for #, %2F for /, %3F for ? and %40 for @"
    )


def one_line(value: str) -> str | None:
    """Require a text that fits into an email's header."""
    return None if value.strip() and value.isprintable() else "must be one line of text"


def email(value: str) -> str | None:
    """Require one address that email can be sent to."""
    try:
        deliverable(value)
    except ValueError as error:
        return f"{error}; it must be one such as shop@your-domain.example"
    return None


def web_address(value: str) -> str | None:
    """Require the address of a web server, http or https, that links can be made from."""
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment:
            return None
    return "must be an address such as https://shop.example"


def public_url(value: str) -> str | None:
    """Require the address that all pages here are below, not that of /orders."""
    if value.rstrip("/").endswith("/orders"):
        return "must be the address without /orders at its end, such as https://orders.your-shop.example"
    return web_address(value)


def link(value: str) -> str | None:
    """Require an address that an email can link to; whatever follows ? and # may be anything printable."""
    is_one = re.fullmatch("[!-~]{1,2000}", value) and web_address(re.split("[?#]", value)[0]) is None
    return None if is_one else "must be an address such as https://shop.example/account, without spaces"


def call_address(value: str) -> str | None:
    """Require an address that can be posted to, or nothing; never shows it."""
    return web_address(value.partition("?")[0]) if value else None


def locale(value: str) -> str | None:
    """Require a locale that amounts and dates can be written in (BCP 47)."""
    try:
        Locale.parse(value.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return "must be a locale such as en, de or en-GB"
    return None


def colour(value: str) -> str | None:
    """Require a colour in the one spelling that all mail programs know."""
    return None if re.fullmatch("#[0-9A-Fa-f]{6}", value) else "must be # and six hex digits, such as #1f5f8b"


def picture(value: str) -> str | None:
    """Require a picture's address that any mail program can load."""
    # The console's preview names it in its Content-Security-Policy, where ; and quotes would end the source.
    is_safe = web_address(value) is None and value.startswith("https://") and not re.search(r"[^!-~]|[;,'\"<>]", value)
    return None if is_safe else "must be an address such as https://shop.example/logo.png, without ? and #"


def short_text(value: str) -> str | None:
    """Require a text of some lines at most."""
    good = len(value) <= 2000 and all(line.isprintable() for line in value.splitlines())
    return None if good else "must be text of at most 2,000 characters, without control characters"


def timezone(value: str) -> str | None:
    """Require a zone of the IANA time zone database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "must be a time zone such as UTC or Europe/London"
    return None


def names(value: list[str]) -> str | None:
    """Require a list of names, each once."""
    twice = next((name for name in value if value.count(name) > 1), None)
    return None if twice is None else f"names {twice[:64]} twice; remove one"


def hosts(value: list[str]) -> str | None:
    """Require host names, addresses and networks."""
    try:
        allowed_hosts.read(value)
    except ConfigurationError as error:
        return str(error)
    return None


def seconds(value: list[int]) -> str | None:
    """Require a list of waiting times."""
    good = all(0 < item <= _YEAR for item in value)
    return None if good else "must be a list of whole numbers of seconds up to a year, such as [60, 300]"
