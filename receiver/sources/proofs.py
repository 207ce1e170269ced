"""How the POSTs of a source are verified, as its table in the settings file says."""

from __future__ import annotations

import string
from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import fields, replace
from typing import Any

from receiver.errors import ConfigurationError, Unauthenticated, Unavailable
from receiver.security.schemes import BasicAuth, HmacSignature, PublicKeySignature, Scheme, Token
from receiver.security.sent_secrets import refuse_untrusted
from receiver.security.signing import SHORTEST_SECRET
from receiver.settings.model import FILE
from receiver.sources.source import Source

_ONE_OF = {
    "digest": ("sha1", "sha256", "sha384", "sha512"),
    "encoding": ("hex", "base64"),
    "key": ("text", "hex", "base64"),
    "kind": ("ed25519", "rsa"),
}
_OF_A_KEY = ("header", "kind", "encoding", "timestamp_header", "tolerance")
_OPTIONS = tuple(field.name for field in fields(HmacSignature))


def scheme_of(table: Table[str, Any], of_kind: Scheme | None) -> Scheme | None:
    """Return the scheme of a source: its kind's, as ``signature`` changes it, or the one that the table describes.

    Raises ConfigurationError with the fix.
    """
    said = [name for name in WAYS if table.get(name) is not None]
    if len(said) > 1:
        raise ConfigurationError(f"has both {' and '.join(said[:2])}; a source is verified in one way.")
    if not said:
        return of_kind
    (name,) = said
    if name == "signature":
        return _signature(table[name], of_kind)
    if of_kind is not None:
        raise ConfigurationError(
            f"{name} has no meaning for this kind, which says itself how it's verified; remove it."
        )
    found: Scheme = _DESCRIBED[name](table[name])
    return found


def needs_own(source: Source) -> bool:
    """Return whether a source is verified by secrets of its own alone."""
    return source.is_saved or (source.asks or source.scheme_of_table or source.scheme) is not None


def without_secrets(source: Source) -> str:
    """Return what's said while a source that needs a secret of its own has none."""
    said = f"The source {source.name} has no secret, so every POST to it is refused. "
    if source.is_saved:
        return f"{said}Enter it under Settings → Sources, or with `flask sources secret {source.name}`."
    return f'{said}Copy it from the shop into {FILE}, below [sources.{source.name}]: secrets = ["…"].'


def in_trouble() -> Unavailable:
    """Return what's raised for a source none of whose POSTs can be verified now."""
    return Unavailable("The receiver can't verify what comes to this address right now. Send it again later.")


def from_elsewhere() -> Unauthenticated:
    """Return the refusal of a POST from an address that the source's shop doesn't have."""
    return Unauthenticated(
        "other_network",
        "It came from an address that isn't among the `addresses` of this source. Behind a proxy, TRUSTED_PROXIES "
        "tells the sender's address from the proxy's.",
    )


def not_signed_as_a_whole(name: str) -> Unauthenticated:
    """Return the refusal of a source whose POSTs REQUIRE_SIGNATURE doesn't take."""
    return Unauthenticated(
        "signature_required", f"REQUIRE_SIGNATURE is on, and what {name} sends isn't signed as a whole."
    )


def warnings(source: Source, *, require_signature: bool) -> list[str]:
    """Return what makes a source refuse everything, or easy to guess, a sentence each."""
    if source.trouble:
        return [source.trouble]
    scheme = source.asks or source.scheme_of_table or source.scheme
    said = [without_secrets(source)] if needs_own(source) and not source.secrets else []
    if scheme is None:
        return said
    if require_signature and not scheme.covers_body:
        said.append(f"REQUIRE_SIGNATURE refuses what comes to the source {source.name}: it isn't signed as a whole.")
    # What a shop is asked with may be an account's name, which it chose.
    if source.asks is None and any(len(secret) < SHORTEST_SECRET for secret in source.secrets):
        said.append(
            f"A secret of the source {source.name} has fewer than {SHORTEST_SECRET} characters. It counts for this "
            "source and in one place alone, but give the shop a longer one if it takes it."
        )
    return said


def _signature(options: Any, of_kind: Scheme | None) -> HmacSignature:
    if of_kind is not None and not isinstance(of_kind, HmacSignature):
        raise ConfigurationError("signature has no meaning for this kind; remove it.")
    if not isinstance(options, dict) or not options.keys() <= set(_OPTIONS):
        raise ConfigurationError(f"signature must be a table that holds some of: {', '.join(_OPTIONS)}.")
    if of_kind is None and "header" not in options:
        raise ConfigurationError('signature needs header = "X-Signature", the header that holds it.')
    for name, value in options.items():
        _check(name, value)
    parts = options.get("parts")
    changes = {**options, **({"parts": tuple(parts)} if parts else {})}
    scheme = replace(of_kind or HmacSignature(options["header"]), **changes)
    if scheme.has_timestamp != bool(scheme.timestamp_header or scheme.parts):
        raise ConfigurationError(
            "signature needs {timestamp} in signed, and timestamp_header or parts to say where it is sent, or neither."
        )
    return scheme


def _check(name: str, value: Any, of: str = "signature") -> None:
    """Raise ConfigurationError for an option of a signature that can't be."""
    if name == "tolerance":
        if type(value) is not int or not 0 < value <= 86_400:
            raise ConfigurationError(f"{of}.tolerance must be whole seconds, 1 to 86400.")
    elif name == "parts":
        if not (isinstance(value, list) and len(value) == 3 and all(isinstance(one, str) and one for one in value)):
            raise ConfigurationError('signature.parts must be a separator and two names: [",", "t", "v1"].')
    elif not isinstance(value, str):
        raise ConfigurationError(f"{of}.{name} must be text, in quotation marks.")
    elif name in _ONE_OF and value not in _ONE_OF[name]:
        raise ConfigurationError(f"{of}.{name} must be one of: {', '.join(_ONE_OF[name])}.")
    elif name == "signed" and not {"", "timestamp", "url"} < _places(value):
        raise ConfigurationError('signature.signed must hold {body}, or fields of it, such as "{timestamp}.{body}".')


def _places(text: str) -> set[str]:
    """Return the names in curly brackets, and those that any text has."""
    try:
        return {name or "" for _, name, _, _ in string.Formatter().parse(text)} | {"", "timestamp", "url"}
    except ValueError:
        return set()


def _token(options: Any) -> Token:
    names = ("header", "field", "prefix")
    if (
        not isinstance(options, dict)
        or not options.keys() <= set(names)
        or not all(isinstance(value, str) and value for value in options.values())
        or ("header" in options) == ("field" in options)
    ):
        raise ConfigurationError('token must name one place: {field = "secret"} or {header = "X-Token"}.')
    if "header" in options:
        refuse_untrusted(options["header"])
    return Token(**options)


def _basic(is_on: Any) -> BasicAuth:
    if is_on is not True:
        raise ConfigurationError("basic must be true, or be left out; the secret is then user:password.")
    return BasicAuth()


def _public_key(options: Any) -> PublicKeySignature:
    if not isinstance(options, dict) or not options.keys() <= set(_OF_A_KEY) or "header" not in options:
        raise ConfigurationError(
            f'public_key needs header = "X-Signature", where the signature is, and may have {", ".join(_OF_A_KEY[1:])}.'
        )
    for name, value in options.items():
        _check(name, value, "public_key")
    return PublicKeySignature(**options)


_DESCRIBED: Table[str, Callable[[Any], Any]] = {"token": _token, "basic": _basic, "public_key": _public_key}
#: Keys of a source's table that say how it's verified.
WAYS = ("signature", *_DESCRIBED)
