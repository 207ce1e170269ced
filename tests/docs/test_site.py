"""The static site has every page, and every link in it leads to a file of it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urldefrag

from docs.generate.site import write
from receiver.web.help.pages import pages


def test_every_page_is_written_and_its_links_lead_to_files_of_the_site(tmp_path: Path) -> None:
    write(tmp_path)
    for name in pages():
        text = (tmp_path / f"{name}.html").read_text("utf-8")
        for link in re.findall(r'(?:href|src)="(?!https?:)([^"]+)"', text):
            path, anchor = urldefrag(link)
            target = tmp_path / path if path else tmp_path / f"{name}.html"
            assert target.is_file(), f"{name}: {link}"
            assert not anchor or f' id="{anchor}"' in target.read_text("utf-8"), f"{name}: {link}"
