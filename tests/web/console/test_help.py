"""Help: every page of docs/ is shown, its links work, and no page of the console sends its reader to a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from flask import Flask

from receiver.web.help.pages import pages
from tests.web.console.browsing import NARROW, Browsing
from tests.web.console.visitor import Visitor

ROOT = Path(__file__).parents[3]
NAMES = [name for name in pages() if name != "index"]


def ids(html: str) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', html))


@pytest.mark.parametrize("name", ["", *NAMES])
def test_every_page_is_shown_and_its_links_lead_somewhere(visitor: Visitor, name: str) -> None:
    page = visitor.get(f"/admin/help/{name}")
    assert page.status == 200
    article = page.html.partition("<article")[2].partition("</article>")[0]
    for link in re.findall(r'(?:href|src)="(?!https?:)([^"]+)"', article or page.html):
        path, anchor = urldefrag(urljoin(page.url, link))
        found = page if path == page.url else visitor.get(path)
        assert found.status == 200, link
        assert not anchor or anchor in ids(found.html), link


def test_there_is_no_other_page(visitor: Visitor) -> None:
    assert visitor.get("/admin/help/nowhere").status == 404
    assert visitor.get("/admin/help/nowhere.png").status == 404
    assert visitor.get("/admin/help/..%2fREADME").status == 404


def test_only_who_has_signed_in_reads_it(visitor: Visitor) -> None:
    assert Visitor(visitor.base).get("/admin/help/deploy", follow=False).status in {302, 303}


def test_a_search_leads_to_the_section(visitor: Visitor) -> None:
    found = visitor.get("/admin/help/?q=lost+key")
    assert 'href="/admin/help/backup-and-upgrade#when-the-key-is-lost"' in found.html
    assert "<mark>key</mark>" in found.html
    assert "No help page has <script>" in visitor.get("/admin/help/?q=%3Cscript%3E").text


def test_a_help_page_fits_a_narrow_screen_and_everybody_can_read_it(
    visitor: Visitor, browse: Callable[..., Browsing]
) -> None:
    browsing = browse(visitor.base, viewport=NARROW)
    browsing.sign_in()
    for path in ("settings", "handler-reference", "order-guide", "mails", "?q=secret"):
        browsing.open(f"/admin/help/{path}")
        assert browsing.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
        assert browsing.look() == []


def sources(kind: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "receiver").rglob(f"*.{kind}")):
        yield path, path.read_text("utf-8")


def test_no_page_of_the_console_sends_its_reader_to_a_file() -> None:
    for path, text in sources("html"):
        assert not re.search(r"README|docs/|\w\.md\b", text), path


def test_a_page_that_a_message_names_is_there() -> None:
    named = [(path, title) for kind in ("py", "html") for path, text in sources(kind) for title in _named(text)]
    assert len(named) >= 8
    assert [(path, title) for path, title in named if title not in {page.title for page in pages().values()}] == []


def _named(text: str) -> list[str]:
    joined = re.sub(r'"\s*\n\s*f?"', "", text)
    return re.findall(r"“([^”{\[]+)” in Help", joined)


def test_a_message_in_the_console_links_to_the_page(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    marked = app.jinja_env.filters["marked"]
    with app.test_request_context("/admin/"):
        assert marked("see “Back up and upgrade” in Help") == (
            'see <a href="/admin/help/backup-and-upgrade">“Back up and upgrade” in Help</a>'
        )
        assert marked("see “<x>” in Help") == "see “&lt;x&gt;” in Help"
