"""Say which field a parameter's name means, by its words and by what stands around it, and how surely it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from receiver.orders.phrases import OF_MONEY, OF_ORDER, OF_PARTY, Phrase
from receiver.orders.vocabulary import our_words, word_set

#: A suggestion needs so much.
LEAST = 0.7
_PART = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)")
_INDEX = re.compile(r"\[[0-9]{1,18}\]")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LINE_OF_ADDRESS = re.compile(r"(?i)(address|addr|street|line)([ _.-]*line)?[ _.-]*([12])(?![0-9])")
#: What an order is wrapped in: such words around a name say nothing.
ENVELOPE = word_set(
    "data payload object content resource body embedded envelope attributes event detail details "
    "info result results response "
    "order sale unit transaction checkout information events entity"
)
#: Words around a name that are right for one sort of field.
_AROUND = {
    "money": frozenset({"total", "amount", "breakdown", "summary", "price", "money", "value", "details"}),
    "test": frozenset({"meta"}),
    "currency": word_set(
        "currency total amount breakdown summary subtotal gross grand price tax shipping discount money"
    ),
    "shipping_total": frozenset({"shipping", "option", "method"}),
    "shipping_method": frozenset({"shipping", "option", "method", "lines", "item"}),
    "payment_status": frozenset({"payment", "captures"}),
    "discount_code": frozenset({"discount", "coupon", "code"}),
    "order_id": frozenset({"metadata"}),
    "payment_gateway": frozenset({"payment"}),
}
#: First words of a sum that make it less sure: what stands now after a refund, or another currency.
_LESS_SURE = {"current": 0.88, "presentment": 0.85, "base": 0.9, "auth": 0.9, "store": 0.9}
#: Endings of a name that holds the same amount in another form.
_AS_TEXT = frozenset({"str", "string", "float", "cents"})
#: Ids that a service names after itself, as in ``kofi_transaction_id``; and what such a prefix may not be.
_UNDER_ANY_PREFIX = {our_words("transaction id"), our_words("order id"), our_words("sale id")}
_NOT_THIS = word_set("parent original previous related refund refunded first last subscription payment cart item old")
_WITH_TAX = frozenset({"incl", "inc", "including", "with"})
_TAX_OR_NOT = _WITH_TAX | {"ex", "excl", "excluding", "without"}
_PARTIES = {
    "billing": "billing",
    "invoice": "billing",
    "payer": "payer",
    "shipping": "shipping",
    "customer": "customer",
    "user": "user",
    "from": "customer",
    "contact": "",
}
#: Words that say nothing about whose a name or an address is.
_OF_PEOPLE = word_set("full address name person details contact info primary phone to is data item")
#: Whose it is, if one of these words is there: nobody's who takes part in the order.
_OF_OTHERS = word_set(
    "shop store merchant seller vendor payee receiver business admin sender support ip browser "
    "agent default card bank issuer old "
    "previous parent refund gravatar private owner staff affiliate partner holder cardholder emergency company_id "
    "event app "
    "marketing consent subscription gift session tax"
)
#: Tables of sums and their currency.
_OF_SUMS = (*OF_MONEY.values(), OF_ORDER["currency"])
#: Fields whose "payment address" is where the invoice goes.
_OF_PLACES = frozenset({"first_name", "last_name", "line1", "line2", "city", "region", "postcode", "country"})
#: How much each unknown word around a name takes away from it.
_UNKNOWN = 0.12


@dataclass(frozen=True)
class Name:
    """A parameter's name, taken apart."""

    text: str

    @cached_property
    def parts(self) -> tuple[Phrase, ...]:
        """The words of each step of its path; steps that are numbers are left out."""
        steps = [match[1] if match[1] is not None else match[2] for match in _PART.finditer(self.text)]
        return tuple(words for step in steps if not step.isdigit() and (words := our_words(step)))

    @cached_property
    def bare(self) -> tuple[tuple[Phrase, ...], float]:
        """The steps without what only says that an amount follows, and how sure the rest is."""
        parts, sure = self.parts, 1.0
        if len(parts) > 2 and parts[-2][-1:] == ("money",) and parts[-1] == ("amount",) and parts[-3][-1:] == ("set",):
            sure = 0.7 if parts[-2][0] == "presentment" else 0.85
            parts = (*parts[:-3], parts[-3][:-1])
        elif parts and len(parts[-1]) > 1 and parts[-1][-1] in _AS_TEXT:
            parts = (*parts[:-1], parts[-1][:-1])
        elif len(parts) > 1 and parts[-1] in {("value",), ("amount",)}:
            parts = parts[:-1]
        if parts and len(parts[-1]) > 1 and parts[-1][-1] == "money":
            parts = (*parts[:-1], parts[-1][:-1])
        return parts, sure


def is_envelope(path: str) -> bool:
    """Return whether the last step of a path is only what an order is wrapped in, such as ``purchase_units``."""
    parts = Name(path).parts
    return not parts or set(parts[-1]) <= ENVELOPE


def of_order(field: str, name: Name) -> float:
    """Return from 0 to 1 how surely a name means a field that an order has once."""
    return _in_envelope(OF_ORDER[field], field, name.parts)


def of_money(field: str, name: Name) -> float:
    """Return from 0 to 1 how surely a name means one of the order's sums."""
    parts, sure = name.bare
    if field == "total" and parts and len(parts[-1]) > 2 and parts[-1][-2] in _TAX_OR_NOT - _WITH_TAX:
        return 0
    found = max(_in_envelope(OF_MONEY[field], field, one, of_money=True) for one in {parts, name.parts})
    return sure * found


def _in_envelope(
    phrases: dict[Phrase, float], field: str, parts: tuple[Phrase, ...], *, of_money: bool = False
) -> float:
    """Return how surely the last step means a field: all of it, and nothing strange stands around it."""
    if not parts:
        return 0
    around = ENVELOPE | _AROUND.get(field, frozenset()) | (_AROUND["money"] if of_money else frozenset())
    if not all(word in around for part in parts[:-1] for word in part if not _is_prefix(word)):
        return 0
    return max(_whole(phrases, parts[-1]), *(0.98 * _whole(phrases, joined) for joined in _joined(parts)))


def _joined(parts: tuple[Phrase, ...]) -> list[Phrase]:
    """Return the last step together with the step before it, as in ``payment.status``; at least an empty one."""
    return [(*parts[-2], *parts[-1]) if len(parts) > 1 else ()]


def _whole(phrases: dict[Phrase, float], words: Phrase) -> float:
    """Return how surely the words mean a field; a prefix such as ``mc_`` and "order" mean nothing."""
    if words in phrases:
        return phrases[words]
    sure = 1.0
    if (plain := without_tax_words(words)) != words:
        return (0.97 if words[-2] in _WITH_TAX else 0.96) * phrases.get(plain, 0)
    if len(words) == 3 and words[1:] in _UNDER_ANY_PREFIX and words[0] not in _NOT_THIS:
        return max(phrases.get(words[1:], 0) - _UNKNOWN, 0)
    of_sums = phrases in _OF_SUMS
    while words and (_is_prefix(words[0]) or (of_sums and words[0] in _LESS_SURE)):
        sure *= _LESS_SURE.get(words[0], 0.99)
        words = words[1:]
    without = tuple(word for word in words if word != "order")
    return sure * max(phrases.get(words, 0), 0.97 * phrases.get(without, 0) if len(without) < len(words) else 0)


def _is_prefix(word: str) -> bool:
    return len(word) <= 2 and not word.isdigit() and word not in {"id", "is", "at", "on"}


def without_tax_words(words: Phrase) -> Phrase:
    """Return the words of a sum without those that say if tax is in it, as in ``total_inc_tax``."""
    return words[:-2] if len(words) > 2 and words[-1] == "tax" and words[-2] in _TAX_OR_NOT else words


def of_party(field: str, name: Name) -> tuple[str, float, Phrase]:
    """Return whose a field of a person or an address is, how surely a name means it, and the words that say whose.

    It's ``billing``, ``payer``, ``shipping``, ``customer``, ``user`` or nobody's.
    """
    words = tuple(word for part in name.parts for word in part)
    phrases = OF_PARTY[field]
    lengths = [len(name.parts[-1]) if name.parts else 0, 5, 4, 3, 2, 1]
    length = next((length for length in lengths if 0 < length <= len(words) and words[-length:] in phrases), 0)
    if not length:
        return "", 0, ()
    sure = phrases[words[-length:]]
    rest = words[:-length]
    if _OF_OTHERS & set(rest) or ("to" in rest and "shipping" not in rest):
        return "", 0, ()
    if field in _OF_PLACES and rest == ("payment",):  # as OpenCart writes it
        rest = ("billing",)
    parties = [_PARTIES[word] for word in rest if _PARTIES.get(word)]
    party = next((one for one in ("shipping", "billing", "payer", "customer", "user") if one in parties), "")
    known = ENVELOPE | _OF_PEOPLE | _PARTIES.keys()
    unknown = [word for word in rest if word not in known and not _is_prefix(word)]
    if not party and field == "name" and length == 1 and rest and "address" not in rest:
        return "", 0, ()
    sure -= (_UNKNOWN if party else 3 * _UNKNOWN) * len(unknown)
    return party, max(sure, 0), tuple(word for word in rest if word not in _OF_PEOPLE and not _is_prefix(word))


def item_pattern(name: str) -> str | None:
    """Return a name with ``[]`` or ``{n}`` where an item's number stands, or None if it has no such number."""
    if _INDEX.search(name):
        return _INDEX.sub("[]", name, count=1)
    if _NUMBER.search(_LINE_OF_ADDRESS.sub("", name)) is None:
        return None
    return _NUMBER.sub("{n}", name, count=1)
