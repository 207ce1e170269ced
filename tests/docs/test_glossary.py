"""The words that docs/glossary.md strikes are nowhere that a person reads: pages, templates, commands and comments."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import Flask

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path != GLOSSARY)]
SOURCES = sorted((ROOT / "receiver").rglob("*.py"))
TEMPLATES = sorted((ROOT / "receiver" / "templates").rglob("*.*"))
#: The mission's own button, and the buttons and headings that lead to it, keep its word.
BUTTON = "Test HTTP POST of Dummy Customer Data"


def struck() -> re.Pattern[str]:
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    words = [word.strip() for row in rows[2:] for word in row.split(",") if word.strip()]
    assert len(words) >= 10
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


def prose(path: Path) -> str:
    """Return what a person reads of a page or a template: no code, no tags, no instructions of the template's."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return re.sub(r"^```.*?^```$|`[^`]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\{[#%].*?[#%]\}|<code>.*?</code>|<[^>]*>", "", text, flags=re.DOTALL)


def with_struck_words(paths: list[Path], read: Callable[[Path], str]) -> dict[str, list[str]]:
    """Return the struck words of each file that uses one."""
    pattern = struck()
    found = {str(path.relative_to(ROOT)): pattern.findall(read(path).replace(BUTTON, "")) for path in paths}
    return {name: words for name, words in found.items() if words}


def test_no_page_and_no_template_uses_a_struck_word() -> None:
    assert with_struck_words([*PAGES, *TEMPLATES], prose) == {}


def comments(path: Path) -> str:
    """Return the docstrings and comments of a file, without the names in them that are code's."""
    begins_statement, told = {tokenize.ENCODING, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}, []
    with path.open("rb") as file:
        before = tokenize.ENCODING
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and before in begins_statement):
                told.append(token.string.lstrip("#: "))
            if token.type != tokenize.COMMENT:
                before = token.type
    return " ".join(re.sub(r"``.*?``|`[^`]*`", "", " ".join(told), flags=re.DOTALL).split())


def test_no_docstring_and_no_comment_uses_a_struck_word() -> None:
    assert with_struck_words(SOURCES, comments) == {}


def helps(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield what a command and those below it say of themselves."""
    yield command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (found := command.get_command(context, name)) is not None:
                yield from helps(found, click.Context(found, parent=context))


def test_no_command_uses_a_struck_word(make_app: Callable[..., Flask]) -> None:
    cli = make_app().cli
    told = " ".join(" ".join(helps(cli, click.Context(cli))).split())
    assert "self test" in told
    assert struck().findall(told.replace("--dummy", "")) == []
