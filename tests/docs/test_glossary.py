"""The words that docs/glossary.md strikes are nowhere that a person reads: pages and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path != GLOSSARY)]
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


@pytest.mark.parametrize("path", [*PAGES, *TEMPLATES], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_and_no_template_uses_a_struck_word(path: Path) -> None:
    assert struck().findall(prose(path).replace(BUTTON, "")) == []
