"""Search in the pages' text: every word must be there, headings count most, and a snippet shows the place."""

from __future__ import annotations

import re
from typing import NamedTuple

from receiver.web.help.markdown import Section
from receiver.web.help.pages import INDEX, Page, pages

_MOST_RESULTS = 20
_BEFORE, _AFTER = 60, 160


class Result(NamedTuple):
    """A place where the words are; the snippet's parts alternate between plain text and a word that was searched."""

    page: Page
    section: Section
    snippet: list[str]


def search(words: str) -> list[Result]:
    """Return the sections that have all the words, best first."""
    wanted = [word.lower() for word in words.split()]
    if not wanted:
        return []
    places = [(page, section) for page in pages().values() if page.name != INDEX for section in page.sections]
    scored = [(score, page, section) for page, section in places if (score := _score(page, section, wanted))]
    scored.sort(key=lambda one: -one[0])
    return [Result(page, section, _snippet(section.text, wanted)) for _, page, section in scored[:_MOST_RESULTS]]


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
