"""The help's pages, in the order of their index, and the search in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from receiver.settings.installation import IS_CHECKOUT
from receiver.web.help.markdown import Section, sections

#: A checkout has the pages in docs/; the wheel has them beside this file.
FOLDER = Path(__file__).parents[3] / "docs" if IS_CHECKOUT else Path(__file__).parent / "docs"
INDEX = "index"
#: Of a search: how many results it has, and how many characters of text each shows around the first word.
_MOST_RESULTS = 20
_BEFORE, _AFTER = 60, 160


@dataclass(frozen=True)
class Page:
    """One page: its name in links, its title, its Markdown and its sections."""

    name: str
    title: str
    text: str
    sections: tuple[Section, ...]


class Result(NamedTuple):
    """A section with the words; its snippet alternates between plain text and a word that was searched for."""

    page: Page
    section: Section
    snippet: list[str]


@cache
def pages() -> dict[str, Page]:
    """Return all pages by name, the index first and the others in its order."""
    index = _read(FOLDER / f"{INDEX}.md")
    others = [_read(path) for path in FOLDER.glob("*.md") if path.stem != INDEX]
    others.sort(key=lambda page: place if (place := index.text.find(f"({page.name}.md)")) >= 0 else len(index.text))
    return {page.name: page for page in (index, *others)}


def search(words: str) -> list[Result]:
    """Return the sections that have all the words, best first; words in headings count most."""
    wanted = [word.lower() for word in words.split()]
    if not wanted:
        return []
    places = [(page, section) for page in pages().values() if page.name != INDEX for section in page.sections]
    scored = [(score, page, section) for page, section in places if (score := _score(page, section, wanted))]
    scored.sort(key=lambda one: -one[0])
    return [Result(page, section, _snippet(section.text, wanted)) for _, page, section in scored[:_MOST_RESULTS]]


def _read(path: Path) -> Page:
    text = path.read_text("utf-8")
    found = tuple(sections(text))
    return Page(path.stem, found[0].heading, text, found)


def _score(page: Page, section: Section, wanted: list[str]) -> int:
    heading, text = f"{page.title} {section.heading}".lower(), section.text.lower()
    if not all(word in heading or word in text for word in wanted):
        return 0
    return sum(20 * (word in section.heading.lower()) + 5 * (word in heading) + text.count(word) for word in wanted)


def _snippet(text: str, wanted: list[str]) -> list[str]:
    first = min((place for word in wanted if (place := text.lower().find(word)) >= 0), default=0)
    start, end = max(0, first - _BEFORE), first + _AFTER
    cut = ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
    return re.split(f"({'|'.join(map(re.escape, wanted))})", cut, flags=re.IGNORECASE)
