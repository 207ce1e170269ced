"""Markdown as the console's own HTML: headings with anchors, tables that turn into cards, code to copy, no raw HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

#: Returns the address of a page, or of a picture, by its file's name.
Address = Callable[[str], str]

_PAGE = re.compile(r"([\w-]+)\.md(#.*)?")
#: Tag -> its ARIA role, which browsers forget once console.css shows a table as cards.
_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "th": "columnheader", "td": "cell"}


@dataclass(frozen=True)
class Section:
    """A heading with the plain text below it."""

    level: int
    heading: str
    anchor: str
    text: str


class _Renderer(RendererHTML):
    """HTML as the console's macros write it; raw HTML is left out, comments too."""

    def html_block(self, *_: Any) -> str:
        return ""

    def html_inline(self, *_: Any) -> str:
        return ""

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        code = escapeHtml(tokens[idx].content.removesuffix("\n"))
        # console.js shows the button; without JavaScript it couldn't copy anything.
        return (
            f'<div class="code"><pre tabindex="0" role="group" aria-label="Code"><code>{code}</code></pre>'
            '<button type="button" class="quiet" data-copy hidden>Copy</button></div>\n'
        )

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return f"{self.renderToken(tokens, idx, options, env)}<div>"

    def td_close(self, *_: Any) -> str:
        return "</div></td>\n"


_MARKDOWN = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table")


def html(text: str, page: Address, picture: Address) -> str:
    """Return a page as HTML; links to other pages and pictures lead to where those are served."""
    tokens = _MARKDOWN.parse(text)
    for number, anchor in _anchors(tokens).items():
        tokens[number].attrSet("id", anchor)
    _dress_tables(tokens)
    for token in (child for inline in tokens for child in inline.children or ()):
        if token.type == "image":
            token.attrSet("src", picture(str(token.attrGet("src"))))
        elif token.type == "link_open" and (found := _PAGE.fullmatch(str(token.attrGet("href")))):
            token.attrSet("href", page(found[1]) + (found[2] or ""))
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def sections(text: str) -> Iterator[Section]:
    """Yield a page's sections with their plain text, in order."""
    tokens = _MARKDOWN.parse(text)
    anchors = _anchors(tokens)
    for (start, anchor), end in zip(anchors.items(), [*anchors, len(tokens)][1:], strict=True):
        below = " ".join(filter(None, map(_plain, tokens[start + 3 : end])))
        yield Section(int(tokens[start].tag[1]), _plain(tokens[start + 1]), anchor, " ".join(below.split()))


def _anchors(tokens: Sequence[Token]) -> dict[int, str]:
    """Return an anchor for each heading, the same that GitHub makes, by the number of the heading's token."""
    made: dict[int, str] = {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            words = re.sub(r"[^\w -]", "", _plain(tokens[number + 1]).lower()).replace(" ", "-")
            again = sum(1 for other in made.values() if re.fullmatch(rf"{re.escape(words)}(-\d+)?", other))
            made[number] = f"{words}-{again}" if again else words
    return made


def _plain(token: Token) -> str:
    """Return the words of a token: of text, of code, of what a picture shows."""
    if token.type == "fence":
        return token.content
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children or ())


def _dress_tables(tokens: Sequence[Token]) -> None:
    """Give tables what console.css needs to show them as cards: a class, and in each cell its column's label."""
    labels: list[str] = []
    columns = cycle(labels)
    for number, token in enumerate(tokens):
        if token.nesting == 1 and token.tag in _ROLES:
            # This drops a column's alignment, an inline style that the content security policy forbids.
            token.attrs = {"role": _ROLES[token.tag]}
        if token.type == "table_open":
            token.attrSet("class", "cards")
            labels = []
        elif token.type == "th_open":
            token.attrSet("scope", "col")
            labels.append(_plain(tokens[number + 1]))
        elif token.type == "tbody_open":
            columns = cycle(labels)
        elif token.type == "td_open":
            token.attrSet("data-label", next(columns))
