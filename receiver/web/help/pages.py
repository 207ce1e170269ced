"""Which pages there are: those that the index names, in its order, with their titles and sections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from receiver.settings.installation import IS_CHECKOUT
from receiver.web.help.markdown import Section, sections

#: A checkout has the pages in docs/; the wheel has them beside this file.
FOLDER = Path(__file__).parents[3] / "docs" if IS_CHECKOUT else Path(__file__).parent / "docs"
INDEX = "index"


@dataclass(frozen=True)
class Page:
    """One page: its name in links, its title, its Markdown and its sections."""

    name: str
    title: str
    text: str
    sections: tuple[Section, ...]


@cache
def pages() -> dict[str, Page]:
    """Return all pages by name, the index first and the others in its order."""
    index = _read(FOLDER / f"{INDEX}.md")
    others = [_read(path) for path in FOLDER.glob("*.md") if path.stem != INDEX]
    others.sort(key=lambda page: place if (place := index.text.find(f"({page.name}.md)")) >= 0 else len(index.text))
    return {page.name: page for page in (index, *others)}


@cache
def titles() -> dict[str, str]:
    """Return the name of each page by its title."""
    return {page.title: page.name for page in pages().values()}


def _read(path: Path) -> Page:
    text = path.read_text("utf-8")
    found = tuple(sections(text))
    return Page(path.stem, found[0].heading, text, found)
