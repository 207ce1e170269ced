"""XML as shops' datafeeds send it: a document to fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from receiver.errors import TooLarge, Undecodable
from receiver.orders.json_decoding import LONGEST_PATH, MOST_LEVELS, TOO_LONG_PATHS, longest_paths, size_of_path
from receiver.orders.names import Fields

#: Of the sign that begins a tag, and of the one in an attribute, so many for each value.
_MOST_TAGS, _MOST_EQUALS = 4, 3


def decode_xml(document: bytes | str, max_fields: int, *, path: str = "") -> Fields:
    """Return the texts and attributes of an XML document with their paths, such as ``order.items.item[0].name``.

    Names are without namespaces; an attribute's has an ``@``. Elements of one name are numbered where there are
    several. Raises Undecodable for what is no XML, or has entities of its own, and TooLarge for too many texts.
    """
    tags, equals = (
        (document.count(b"<"), document.count(b"="))
        if isinstance(document, bytes)
        else (document.count("<"), document.count("="))
    )
    if tags > _MOST_TAGS * max_fields or equals > _MOST_EQUALS * max_fields:  # before it's all in memory
        raise TooLarge(f"The body has more than {max_fields} values.")
    try:
        root = fromstring(document, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Undecodable("The body is not one XML document, or declares entities of its own.") from error
    fields: Fields = []
    left = longest_paths(max_fields)
    for name, value in _texts(root, _joined(path, _name(root.tag))):
        left -= size_of_path(name)
        if len(fields) == max_fields:
            raise TooLarge(f"The body has more than {max_fields} values.")
        if left < 0:
            raise TooLarge(TOO_LONG_PATHS)
        fields.append((name, value))
    return fields


def _texts(root: Element, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the value of each attribute and text."""
    open_elements = [iter([(path, root)])]
    while open_elements:
        for path, element in open_elements[-1]:
            if len(open_elements) > MOST_LEVELS or len(path) > LONGEST_PATH:
                raise Undecodable("The XML is nested too deep, or has a name that is too long.")
            for name, value in element.attrib.items():
                yield f"{path}.@{_name(name)}", value
            text = (element.text or "").strip()
            if text or not (len(element) or element.attrib):
                yield path, text
            if len(element):
                open_elements.append(_children(element, path))
                break
        else:
            open_elements.pop()


def _children(element: Element, path: str) -> Iterator[tuple[str, Element]]:
    several = Counter([child.tag for child in element]) if len(element) > 1 else {}
    seen: Counter[str] = Counter()
    for child in element:
        number = ""
        if several.get(child.tag, 1) > 1:
            number = f"[{seen[child.tag]}]"
            seen[child.tag] += 1
        yield _joined(path, _name(child.tag) + number), child


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
