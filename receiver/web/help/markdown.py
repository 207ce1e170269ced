"""Markdown as the console's own HTML: headings with anchors, tables that turn into cards, code to copy, no raw HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

#: Returns the address of a page, or of a picture, by its file's name.
Address = Callable[[str], str]

_PAGE = re.compile(r"([\w-]+)\.md(#.*)?")


@dataclass(frozen=True)
class Section:
    """A heading with the plain text below it."""

    level: int
    heading: str
    anchor: str
    text: str


class _Renderer(RendererHTML):
    """HTML in the console's own dress."""

    def html_block(self, *_: Any) -> str:
        """Leave HTML out, comments too."""
        return ""

    def html_inline(self, *_: Any) -> str:
        """Leave HTML out, comments too."""
        return ""

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Return code as the console's macro writes it; the button works with JavaScript only."""
        code = escapeHtml(tokens[idx].content.removesuffix("\n"))
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
    for token, anchor in zip(_headings(tokens), _anchors(tokens), strict=True):
        token.attrSet("id", anchor)
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
    starts = [number for number, token in enumerate(tokens) if token.type == "heading_open"]
    for start, end, anchor in zip(starts, [*starts[1:], len(tokens)], _anchors(tokens), strict=True):
        below = " ".join(filter(None, map(_plain, tokens[start + 3 : end])))
        yield Section(int(tokens[start].tag[1]), _plain(tokens[start + 1]), anchor, " ".join(below.split()))


def _headings(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.type == "heading_open"]


def _anchors(tokens: Sequence[Token]) -> list[str]:
    """Return an anchor for each heading, the same that GitHub makes."""
    made: list[str] = []
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            words = re.sub(r"[^\w -]", "", _plain(tokens[number + 1]).lower()).replace(" ", "-")
            again = sum(1 for other in made if re.fullmatch(rf"{re.escape(words)}(-\d+)?", other))
            made.append(f"{words}-{again}" if again else words)
    return made


def _plain(token: Token) -> str:
    """Return the words of a token: of text, of code, of what a picture shows."""
    if token.type == "fence":
        return token.content
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children or ())


def _dress_tables(tokens: Sequence[Token]) -> None:
    """Return tables what console.css turns into cards on a narrow screen: roles, and each cell its column's name."""
    roles = {"table_open": "table", "thead_open": "rowgroup", "tbody_open": "rowgroup", "tr_open": "row"}
    labels: list[str] = []
    column = 0
    for number, token in enumerate(tokens):
        if token.type in roles:
            token.attrSet("role", roles[token.type])
        if token.type == "table_open":
            token.attrSet("class", "cards")
            labels = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            labels.append(_plain(tokens[number + 1]))
            token.attrs = {"scope": "col", "role": "columnheader"}
        elif token.type == "td_open":
            token.attrs = {"role": "cell", "data-label": labels[column]}
            column += 1
