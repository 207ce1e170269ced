"""The shops of docs/sources.md: a table, and how each is connected, drawn from the guides of the kinds.

``python -m docs.generate.shops`` writes them again.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from receiver.sources import Source, kinds
from receiver.sources.guide import Guide

PAGE = Path(__file__).parents[1] / "sources.md"
_WIDTH = 150
_PART = re.compile(r"(<!-- (the table|the steps) -->\n).*?(<!-- until here -->\n)", re.DOTALL)


def drawn(page: str, types: Mapping[str, type[Source]] | None = None) -> str:
    """Return the page with both parts as the guides are; the kinds are the built-in ones unless others are given."""
    found = types or kinds.load(Path("nowhere")).types
    # What's said of any other shop goes on below the steps.
    names = sorted(found, key=lambda name: name == "generic-hmac")
    guides = {name: guide for name in names if (guide := found[name].guide)}
    parts = {"the table": _table(guides), "the steps": "\n".join(map(_steps, guides.values()))}
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n{found[3]}", page)


def _table(guides: Mapping[str, Guide]) -> str:
    rows = [
        f"| [{guide.title}](#{_anchor(guide.title)}) | `{name}` | {guide.verified_by} | {guide.replay} |\n"
        for name, guide in guides.items()
    ]
    untried = [guide.title for guide in guides.values() if guide.is_untried]
    said = (
        f"{', '.join(untried[:-1])} and {untried[-1]} are *untried*: they follow what the shop publishes, and neither "
        "a signature nor a body that the shop itself made could be had."
    )
    head = "| shop | `kind` | verified by | a replay is noticed by |\n| --- | --- | --- | --- |\n"
    return f"{head}{''.join(rows)}\n{_wrapped(said)}"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _steps(guide: Guide) -> str:
    return "\n".join([f"## {guide.title}\n", *_paragraphs(guide)])


def _paragraphs(guide: Guide) -> Iterator[str]:
    yield "".join(_wrapped(f"{number}. {click}", "   ") for number, click in enumerate(guide.clicks, 1))
    if guide.notes:
        yield _wrapped(guide.notes)
    if guide.missing:
        yield _wrapped(f"What isn't sent: {guide.missing[0].lower()}{guide.missing[1:]}")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text("utf-8")), encoding="utf-8")
