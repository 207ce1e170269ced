"""One place that orders come from: its secrets, its mapping, its options."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, ClassVar, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from receiver.orders import Fields, Mapping
from receiver.orders.mapping import Shape
from receiver.orders.states import Words, normalised
from receiver.security.schemes import Scheme
from receiver.sources.answers import Answers
from receiver.sources.asking import Question
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample

#: How the names of fields begin that are headers.
HEADER = "header:"
#: The source of ``POST /orders``.
DEFAULT = "shopintegrator"


#: Attribute of a marked class that holds its Kind.
MARK = "__order_source__"


#: Fields that say whether an order is paid.
_DECIDING = {("order", name) for name in ("event", "order_status", "payment_status")}


class Reply(NamedTuple):
    """What a shop wants to hear instead of the kit's JSON once its POST is on disk; the status is then always 200."""

    text: str
    content_type: str = "text/plain"


Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Source:
    """One place that orders come from; inherit from it for a kind of your own, marked with ``@source_kind``."""

    #: How a merchant connects such a shop. None for a kind that says nothing about it.
    guide: ClassVar[Guide | None] = None
    #: A body as the shop sends it, to try a source of this kind. None where only the shop can make one.
    sample: ClassVar[Sample | None] = None
    #: The mapping's rules that all sources of this kind have, by field, as ``[sources.NAME.fields]`` takes them.
    #: Those of ``config.toml`` and of the console win.
    rules: ClassVar[Table[str, Any]] = {}
    #: How its POSTs are verified, with secrets of its own and nothing weaker. None for a kind that signs as the kit
    #: does, or sends the secret itself.
    scheme: ClassVar[Scheme | None] = None
    #: How the shop is asked about its POSTs, if they prove nothing themselves; they wait in quarantine until then.
    asks: ClassVar[Question | None] = None
    #: The columns of the shop's CSV export, and the names that its POSTs have for them; ``[]`` numbers an item's rows.
    columns: ClassVar[Table[str, str]] = {}
    #: What state words of this kind of shop mean, beside those that everybody knows: True for paid.
    states: ClassVar[Table[str, bool]] = {}
    #: Whether each order says a state, of its payment or its own; and a total or items. One that doesn't is parked.
    always_says_what_is_paid: ClassVar[bool] = False
    always_says_what_was_bought: ClassVar[bool] = False
    #: Headers that say what a POST is about. They count as fields, such as ``header:x-shopify-topic``.
    kept_headers: ClassVar[tuple[str, ...]] = ()
    #: What a body holds for a word of such a header, in small letters, that says what became of an order. One that
    #: doesn't is parked.
    shapes: ClassVar[Table[str, Shape]] = {}
    #: Whether the shop sends an order again after it was changed. Then a second paid body of an order, with other items
    #: or another total, is ``order.updated``; otherwise it's a second order.
    orders_can_change: ClassVar[bool] = False
    #: What its shop is answered; None is the kit's JSON.
    reply: ClassVar[Reply | None] = None

    name: str
    #: All its rules; None when there is none.
    mapping: Mapping | None = None
    #: Secrets of its own; empty means the receiver's.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The rules by field that ``config.toml`` has, and those of the database for other fields.
    from_file: Table[str, Any] = field(default_factory=dict)
    saved: Table[str, Any] = field(default_factory=dict)
    #: Whether a form is accepted as whole where neither a length nor the server shows that it is.
    accepts_chunked_forms: bool = False
    #: What ``config.toml`` says about that, which wins over what's saved; None when it says nothing.
    chunked_forms_in_file: bool | None = None
    #: What ``config.toml`` says that state words mean, which wins over what the kind says.
    own_states: Table[str, bool] = field(default_factory=dict)
    #: What the merchant answered about its POSTs; its words win over those of the kind, and the file's over them.
    answers: Answers = field(default_factory=Answers)
    #: What dates without a zone are read in; None is UTC.
    zone: ZoneInfo | None = None
    #: Whether it was added in the console or by a command: then only secrets of its own verify it.
    is_saved: bool = False
    #: Why none of its POSTs can be verified now, although it was saved; they're answered 503.
    trouble: str = ""
    #: The scheme that ``config.toml`` describes; it goes before that of the kind.
    scheme_of_table: Scheme | None = None
    #: The networks that its POSTs must come from, besides being verified; none is any.
    networks: tuple[Network, ...] = ()
    #: The answer that ``config.toml`` names; it goes before that of the kind.
    reply_of_table: Reply | None = None

    def is_ping(self, headers: Table[str, str], fields: Fields, raw: bytes) -> bool:  # noqa: ARG002
        """Return whether a POST is this kind of shop's own set-up ping, which nothing verifies and nothing is kept of.

        Headers are by their names in small letters, ``raw`` is the body. It's asked of small POSTs that aren't
        verified, and may say yes only to what can't be an order.
        """
        return False

    def finished(self, sample: bytes, secret: str) -> bytes:  # noqa: ARG002
        """Return a sample's body with what the shop signs it with, where that's in the body."""
        return sample

    def with_headers(self, headers: Table[str, str], fields: Fields) -> Fields:
        """Return the fields with the headers that are kept before them; no field can pretend to be one."""
        kept = [(f"{HEADER}{name.lower()}", headers.get(name.lower(), "")) for name in self.kept_headers]
        return [*[one for one in kept if one[1]], *[one for one in fields if not one[0].startswith(HEADER)]]

    def with_rules(self, saved: Table[str, Any]) -> Source:
        """Return this source with more rules; its file's own rules win. Raises ConfigurationError."""
        saved = {target: rule for target, rule in saved.items() if target not in self.from_file}
        rules = {**self.rules, **self.from_file, **saved}
        tables = self.states, self.answers.states, self.own_states
        own = {normalised(word): is_paid for table in tables for word, is_paid in table.items()}
        mapping = None
        if rules or own or self.zone:
            mapping = replace(
                Mapping.from_table(rules),
                words=Words(own),
                zone=self.zone,
                always_says_what_is_paid=self.always_says_what_is_paid and not self.answers.only_paid,
                always_says_what_was_bought=self.always_says_what_was_bought,
                shapes=self.shapes,
            )
        return replace(self, mapping=mapping, saved=saved)

    def is_from(self, address: str | None) -> bool:
        """Return whether a POST from this address may be its shop's; an IPv4 address may be written in an IPv6 one."""
        if not self.networks:
            return True
        try:
            found = ip_address(address or "")
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.networks)

    @property
    def says_what_is_paid(self) -> bool:
        """Return whether the merchant's rules read a state or an event, or it's known to send only paid orders.

        A kind with rules of its own knows, and so do the contract's own names.
        """
        if self.rules or self.mapping is None or not (self.saved or self.from_file):
            return True
        return self.answers.only_paid or bool({rule.slot for rule in self.mapping.rules} & _DECIDING)

    def with_answers(self, answers: Answers) -> Source:
        """Return this source with these answers; `with_rules` takes words from them."""
        return replace(self, answers=answers)

    def with_chunked_forms(self, accepted: bool) -> Source:
        """Return it with chunked forms ``accepted`` or not, as saved; what its file says wins."""
        return self if self.chunked_forms_in_file is not None else replace(self, accepts_chunked_forms=accepted)


class Kind(NamedTuple):
    """A kind of source that ``kind`` in ``[sources.NAME]`` can name."""

    name: str
    type: type[Source]


#: What a scheme has at least.
_OF_A_SCHEME = ("covers_body", "check_secret", "verify")
Class = TypeVar("Class", bound=type[Source])


def source_kind(name: str) -> Callable[[Class], Class]:
    """Mark a subclass of Source as the kind of this name.

    Raises TypeError for what isn't one, and ConfigurationError for rules that a mapping can't have.
    """

    def mark(marked: Class) -> Class:
        if not (isinstance(marked, type) and issubclass(marked, Source)):
            raise TypeError(f"@source_kind({name!r}) must mark a class that inherits from Source")
        Mapping.from_table(dict(marked.rules))
        if marked.scheme is not None and not all(hasattr(marked.scheme, one) for one in _OF_A_SCHEME):
            raise TypeError(f"the scheme of @source_kind({name!r}) needs {', '.join(_OF_A_SCHEME)}")
        if not (marked.asks is None or (isinstance(marked.asks, Question) and marked.asks.hosts)):
            raise TypeError(f"asks of @source_kind({name!r}) must be a Question with hosts")
        if not (marked.reply is None or isinstance(marked.reply, Reply)):
            raise TypeError(f"reply of @source_kind({name!r}) must be a Reply, such as Reply('TRUE')")
        for attribute, wanted in (("guide", Guide), ("sample", Sample)):
            if not isinstance(getattr(marked, attribute), wanted | None):
                raise TypeError(f"{attribute} of @source_kind({name!r}) must be a {wanted.__name__}")
        if isinstance(marked.kept_headers, str):
            raise TypeError(f"kept_headers of @source_kind({name!r}) must be a tuple, such as ('x-topic',)")
        setattr(marked, MARK, Kind(name, marked))
        return marked

    return mark
