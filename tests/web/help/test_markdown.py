"""Markdown as HTML: no raw HTML comes through, links and pictures lead to where pages are served."""

from __future__ import annotations

import pytest

from receiver.web.help.markdown import html, sections


def shown(text: str) -> str:
    return html(text, lambda name: f"/help/{name}", lambda file: f"/pictures/{file}")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a <b onclick=x>b</b>", "<!-- hidden -->", "[x](javascript:alert(1))"]
)
def test_no_html_of_a_page_comes_through(text: str) -> None:
    for part in ("<script", "<b", "onclick", "hidden", 'href="javascript'):
        assert part not in shown(text)


def test_code_is_shown_as_it_is() -> None:
    assert "<code>a &lt; b\nc</code>" in shown("```sh\na < b\nc\n```\n")


def test_links_between_pages_and_pictures_lead_to_where_they_are_served() -> None:
    page = shown("[a](deploy.md), [b](answers.md#the-card), [c](#here), [d](https://x.example/y.md), ![e](f.png)")
    for address in ("/help/deploy", "/help/answers#the-card", "#here", "https://x.example/y.md"):
        assert f'href="{address}"' in page
    assert '<img src="/pictures/f.png" alt="e"' in page


def test_headings_have_anchors_each_of_its_own() -> None:
    page = shown("# It's `code`!\n\n## Twice\n\n## Twice\n")
    assert [part.split('"')[0] for part in page.split(' id="')[1:]] == ["its-code", "twice", "twice-1"]


def test_a_tables_cells_name_their_columns() -> None:
    page = shown("| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n")
    assert '<table role="table" class="cards">' in page
    assert '<td role="cell" data-label="b"><div>4</div></td>' in page


def test_a_page_falls_into_sections_with_plain_text() -> None:
    first, second = sections("# Title\n\nSome `code`\nand *more*.\n\n## Next\n\n- one\n\n```\ntwo\n```\n")
    assert (first.level, first.heading, first.anchor, first.text) == (1, "Title", "title", "Some code and more.")
    assert (second.level, second.heading, second.text) == (2, "Next", "one two")
