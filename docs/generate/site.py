"""The pages of docs/ as a static site, written as the console shows them.

``python -m docs.generate.site FOLDER`` writes it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from jinja2 import Environment

from receiver.settings.installation import VERSION
from receiver.web.help import markdown
from receiver.web.help.pages import FOLDER, pages

_STATIC = Path(__file__).parents[2] / "receiver" / "static"
_FRAME = Environment(autoescape=True).from_string(Path(__file__).with_name("site.html").read_text("utf-8"))


def write(folder: Path) -> None:
    """Write all pages, with their pictures and the console's style, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages().values():
        body = markdown.html(page.text, lambda name: f"{name}.html", lambda file: file)
        text = _FRAME.render(page=page, body=body, version=VERSION)
        (folder / f"{page.name}.html").write_text(text, encoding="utf-8")
    for path in (*FOLDER.glob("*.png"), *(_STATIC / name for name in ("console.css", "console.js", "icon.svg"))):
        shutil.copy(path, folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
