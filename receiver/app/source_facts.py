"""One source as the merchant knows it, for the console and the commands: shop, address, origin, secrets."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from receiver.app.components import Kit
from receiver.app.serving import is_this_machine
from receiver.security import signing
from receiver.security.schemes import BasicAuth, HmacSignature, Scheme, Token
from receiver.sources.guide import OTHER, Guide
from receiver.sources.kinds import Kinds
from receiver.sources.source import DEFAULT, Source

#: The kind of a source that has none.
NO_KIND = ""
#: What a command prints beside an address while it isn't reachable.
NOT_REACHABLE = (
    "No shop can reach this address yet: it's made of PUBLIC_URL, which isn't the https address of a domain. "
    "docs/deploy.md says how to get one."
)


@dataclass(frozen=True)
class SourceFacts:
    """One source, and what its kind says about it."""

    source: Source
    #: Empty for the usual kind.
    kind: str
    guide: Guide
    #: The address to enter at the shop, and its path in this app.
    address: str
    path: str

    @property
    def origin(self) -> str:
        """Where it was added."""
        if self.source.is_saved:
            return "console"
        return "always there" if self.source == Source(DEFAULT) else "config.toml"

    @property
    def origin_in_words(self) -> str:
        """The origin, as part of a sentence."""
        return {"console": "added here", "config.toml": "in config.toml"}.get(self.origin, self.origin)

    @property
    def verified_by(self) -> str:
        """How its POSTs are verified, in words."""
        described = self.source.scheme_of_table
        if described is not None and described != self.source.scheme:
            return _in_words(described)
        if self.guide.verified_by:
            return self.guide.verified_by
        if self.source.asks:
            return "asking its shop"
        return "a signature or token of its kind" if self.source.scheme else OTHER.verified_by

    @property
    def fingerprints(self) -> list[str]:
        """The fingerprints of its own secrets, newest first."""
        return [signing.fingerprint(secret) for secret in self.source.secrets]


def _in_words(scheme: Scheme) -> str:
    """Return how a scheme that a table describes verifies a POST."""
    match scheme:
        case HmacSignature():
            return f"an HMAC with {scheme.digest}, in {scheme.encoding} in the header {scheme.header}"
        case Token():
            return f"a token in the {f'header {scheme.header}' if scheme.header else f'field {scheme.field}'}"
        case BasicAuth():
            return "a user and a password (HTTP Basic)"
    return "a signature by the shop's own key"


def facts(kit: Kit, source: Source) -> SourceFacts:
    """Return the facts about a source."""
    kind = next((name for name, one in kit.sources.kinds.types.items() if type(source) is one), NO_KIND)
    path = "/orders" if source.name == DEFAULT else f"/orders/{source.name}"
    address = f"{kit.settings.PUBLIC_URL.rstrip('/')}{path}"
    return SourceFacts(source, kind, guide_of(kit.sources.kinds, kind), address, path)


def is_reachable(kit: Kit) -> bool:
    """Return whether a shop can reach PUBLIC_URL, as far as its text shows: most demand https."""
    url = urlsplit(kit.settings.PUBLIC_URL)
    return url.scheme == "https" and not is_this_machine(url.hostname or "")


def guide_of(kinds: Kinds, kind: str) -> Guide:
    """Return the guide of a kind; one of the merchant's own without any has its name as its title."""
    if kind == NO_KIND:
        return OTHER
    return kinds.types[kind].guide or Guide(kind, is_chosen=True)


def choices(kinds: Kinds) -> dict[str, Guide]:
    """Return the guide of each kind that can be added, by its name: by title, what fits any shop last."""
    named = {name: guide_of(kinds, name) for name in kinds.types}
    by_title = sorted(named, key=lambda name: (name == "generic-hmac", named[name].title.lower()))
    return {name: named[name] for name in by_title} | {NO_KIND: OTHER}
