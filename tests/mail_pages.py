"""How tests read the HTML part of a mail."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from receiver.mail.templates import MailTemplates


class Page(HTMLParser):
    """Collects what a reader sees and every tag and link of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(re.sub(r"(?s)<style>.*?</style>", "", html))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def page_of(templates: MailTemplates, name: str, **values: Any) -> Page:
    """Render a mail and read its HTML part."""
    html = templates.render(name, **values).html
    assert html is not None
    return Page(html)


def flat(text: str) -> str:
    """Write a text with single spaces for all white space."""
    return " ".join(text.split())
