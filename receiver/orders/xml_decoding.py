"""XML as shops' datafeeds send it: a document to fields."""

from __future__ import annotations

from collections import Counter
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from receiver.errors import TooLarge, Undecodable
from receiver.orders.json_decoding import LONGEST_PATH, MOST_LEVELS
from receiver.orders.names import Fields

#: Of the sign that begins a tag, and of the one in an attribute, so many for each value.
_MOST_SIGNS = 4


def decode_xml(document: bytes | str, max_fields: int, *, path: str = "") -> Fields:
    """Return the texts and attributes of an XML document with their paths, such as ``order.items.item[0].name``.

    Names are without namespaces; an attribute's has an ``@``. Elements of one name are numbered where there are
    several. Raises Undecodable for what is no XML, or has entities of its own, and TooLarge for too many texts.
    """
    signs = (
        (document.count(b"<"), document.count(b"="))
        if isinstance(document, bytes)
        else (
            document.count("<"),
            document.count("="),
        )
    )
    if max(signs) > _MOST_SIGNS * max_fields:  # before it's all in memory
        raise TooLarge(f"The body has more than {max_fields} values.")
    try:
        root = fromstring(document, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Undecodable("The body is not one XML document, or declares entities of its own.") from error
    fields: Fields = []
    _flatten(root, _joined(path, _name(root.tag)), 1, fields, max_fields)
    return fields


def _flatten(element: Element, path: str, level: int, fields: Fields, max_fields: int) -> None:
    if level > MOST_LEVELS or len(path) > LONGEST_PATH:
        raise Undecodable("The XML is nested too deep, or has a name that is too long.")
    fields += [(f"{path}.@{_name(name)}", value) for name, value in element.attrib.items()]
    text = (element.text or "").strip()
    if text or not (len(element) or element.attrib):
        fields.append((path, text))
    if len(fields) > max_fields:
        raise TooLarge(f"The body has more than {max_fields} values.")
    several = Counter(child.tag for child in element)
    seen: Counter[str] = Counter()
    for child in element:
        number = f"[{seen[child.tag]}]" if several[child.tag] > 1 else ""
        seen[child.tag] += 1
        _flatten(child, _joined(path, _name(child.tag) + number), level + 1, fields, max_fields)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
