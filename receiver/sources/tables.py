"""Build sources from the tables ``[sources.NAME]`` of the settings file."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from receiver.errors import ConfigurationError, location
from receiver.orders import Mapping
from receiver.security import signing
from receiver.security.schemes import Scheme
from receiver.settings import reading
from receiver.settings.model import FILE, SETTINGS
from receiver.sources import proofs
from receiver.sources.asking import Question
from receiver.sources.kinds import Kinds
from receiver.sources.saved_options import ACCEPT_CHUNKED_FORMS
from receiver.sources.source import DEFAULT, Network, Reply, Source

#: What a source's table may hold.
KEYS = ("kind", "fields", "states", "zone", "secrets", *proofs.WAYS, "addresses", "reply", ACCEPT_CHUNKED_FORMS)

_LONGEST_REPLY = 1_000


def built(tables: Any, kinds: Kinds) -> tuple[dict[str, Source], list[str]]:
    """Build the sources that are right, and return what's wrong with the others; the default one needs no table."""
    if not isinstance(tables, dict):
        return {}, [f"sources in {FILE} must be tables such as [sources.{DEFAULT}.fields]."]
    sources: dict[str, Source] = {} if DEFAULT in tables else {DEFAULT: Source(DEFAULT)}
    problems: list[str] = []
    for name, table in tables.items():
        try:
            sources[name] = source_of(name, table, kinds)
        except ConfigurationError as error:
            problems.append(f"[sources.{name}] in {FILE}: {error}")
    return sources, problems


def without_effect(tables: Any) -> list[str]:
    """Return a sentence for each unknown key, and each setting below a source's fields: it has no effect."""
    return [
        f"[sources.{name}] in {FILE} {said}"
        for name, table in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(table, dict)
        for said in reading.without_effect([*table, *SETTINGS.keys() & _fields_of(table)], KEYS)
    ]


def _fields_of(table: dict[str, Any]) -> Any:
    fields = table.get("fields")
    return fields if isinstance(fields, dict) else ()


def source_of(name: str, table: Any, kinds: Kinds) -> Source:
    """Build one source from its table; raises ConfigurationError with what's wrong, which doesn't name the table."""
    if not isinstance(table, dict):
        raise ConfigurationError("must be a table.")
    fields = table.get("fields") or {}
    if isinstance(fields, dict):
        fields = {field: rule for field, rule in fields.items() if field not in SETTINGS}
    secrets = table.get("secrets", [])
    if not isinstance(secrets, list) or not all(isinstance(secret, str) for secret in secrets):
        raise ConfigurationError('secrets must be a list such as ["whsec_…"].')
    chunked = table.get(ACCEPT_CHUNKED_FORMS)
    if chunked not in (None, True, False):
        raise ConfigurationError(f"{ACCEPT_CHUNKED_FORMS} must be true or false.")
    if fields:
        Mapping.from_table(fields)
    kind = _type(table, kinds)
    scheme = proofs.scheme_of(table, kind.scheme)
    if kind.asks and scheme:
        raise ConfigurationError(f"{', '.join(proofs.WAYS)} mean nothing here: this kind asks its shop. Remove it.")
    own = tuple(_clean(secret, kind.asks or scheme) for secret in secrets)
    found = kind(
        name,
        secrets=own,
        from_file=fields,
        chunked_forms_in_file=chunked,
        own_states=_states(table),
        zone=_zone(table),
        scheme_of_table=scheme,
        networks=_networks(table),
        reply_of_table=_reply(table),
    )
    return replace(found, accepts_chunked_forms=bool(chunked)).with_rules({})


def _states(table: Table[str, Any]) -> dict[str, bool]:
    """Return what a source's own words of a state mean: True for paid."""
    states = table.get("states", {})
    if not isinstance(states, dict) or not all(meaning in ("paid", "unpaid") for meaning in states.values()):
        raise ConfigurationError('states must be a table such as {on_payment = "paid", parked = "unpaid"}.')
    return {word: meaning == "paid" for word, meaning in states.items()}


def _zone(table: Table[str, Any]) -> ZoneInfo | None:
    name = table.get("zone")
    try:
        return None if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError, AttributeError) as error:
        raise ConfigurationError('zone must be a name such as "Europe/Berlin".') from error


def _networks(table: Table[str, Any]) -> tuple[Network, ...]:
    """Return the networks that a source's POSTs must come from; none is any."""
    listed = table.get("addresses", [])
    try:
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            return tuple(ip_network(one) for one in listed)
    except ValueError:
        pass
    raise ConfigurationError('addresses must be a list such as ["203.0.113.7", "198.51.100.0/24"].')


def _reply(table: Table[str, Any]) -> Reply | None:
    reply = table.get("reply")
    if reply is not None and not (isinstance(reply, str) and len(reply) <= _LONGEST_REPLY):
        raise ConfigurationError(f'reply must be text of at most {_LONGEST_REPLY} characters, such as "TRUE".')
    return None if reply is None else Reply(reply)


def _clean(secret: str, scheme: Scheme | Question | None) -> str:
    """Return a secret without outer white space; raises ConfigurationError where the scheme can't have it."""
    if scheme is None:
        return signing.clean_secret(secret)
    try:
        scheme.check_secret(secret.strip())
    except ConfigurationError:
        raise
    except Exception as error:  # the scheme may be the merchant's own; its words may hold the secret
        raise ConfigurationError(f"the check of its secrets failed: {location(error)}.") from error
    return secret.strip()


def _type(table: Table[str, Any], kinds: Kinds) -> type[Source]:
    """Return the class of the source's kind: the usual one unless the table names another."""
    kind = table.get("kind")
    if kind is None:
        return Source
    if not isinstance(kind, str) or kind not in kinds.types:
        names = ", ".join(sorted(kinds.types)) or "none is there"
        raise ConfigurationError(f"kind must be one of: {names}.")
    return kinds.types[kind]
