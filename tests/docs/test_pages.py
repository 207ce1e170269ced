"""README and the pages of docs/: what they link to and name is there, and they keep to the glossary's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask import Flask

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]


def name(path: Path) -> str:
    return path.name


def prose(path: Path) -> str:
    """Return a page's text without its code blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose(page).replace("\n", " ")):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_a_page_links_to_pages_of_its_folder_only_and_has_no_html(page: Path) -> None:
    """The console and the static site have no other files."""
    for path in re.findall(r"\]\((?!https?:)([^)#]+)", prose(page)):
        assert "/" not in path, path
    assert re.findall(r"<(?!https?:)[a-z/][^>]*>", re.sub(r"`[^`]*`", "", prose(page))) == []


def test_the_index_names_every_page_with_its_kind() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", index, re.MULTILINE) == ["Learn", "Do", "Look up", "Understand"]
    assert sorted(re.findall(r"^- \[[^]]+\]\(([^)]+)\)", index, re.MULTILINE)) == [
        path.name for path in DOCS if path.name != "index.md"
    ]


def test_every_flask_command_that_a_page_names_is_there(make_app: Callable[..., Flask]) -> None:
    cli = make_app().cli
    before = r"\bflask (?:--app \S+\s(?:receiver )?)?"
    for page in PAGES:
        code = " ".join(re.findall(r"```.*?```|`[^`]+`", page.read_text("utf-8"), re.DOTALL))
        for group, word in re.findall(rf"{before}((?!run\b|import\b)[a-z]+)(?: ([a-z]+))?", code):
            command = cli.get_command(click.Context(cli), group)
            assert command is not None, f"{page.name}: {group}"
            if isinstance(command, click.Group) and word:
                assert word in command.commands, f"{page.name}: {group} {word}"
