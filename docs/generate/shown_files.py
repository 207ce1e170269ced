"""Pages that show whole files: a code block below a marker ``<!-- path -->`` is the file that it names.

``python -m docs.generate.shown_files`` draws the blocks of all such pages again.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^(<!-- (\S+) -->\n```\w+\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return the pages that show files."""
    return [path for path in sorted((ROOT / "docs").glob("*.md")) if shown(path.read_text("utf-8"))]


def shown(page: str) -> list[str]:
    """Return the paths of the files that a page shows, in its order."""
    return [found[2] for found in _BLOCK.finditer(page)]


def drawn(page: str, root: Path = ROOT) -> str:
    """Return the page with each such block as its file now is; paths count from the root."""
    return _BLOCK.sub(lambda found: found[1] + (root / found[2]).read_text("utf-8") + found[4], page)


if __name__ == "__main__":
    for path in pages():
        path.write_text(drawn(path.read_text("utf-8")), encoding="utf-8")
