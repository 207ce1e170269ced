"""Help: the pages of docs/, with a search."""

from __future__ import annotations

from flask import Response, abort, render_template, request, send_from_directory, url_for
from markupsafe import Markup

from receiver.web.console.blueprint import console
from receiver.web.help import markdown
from receiver.web.help.pages import FOLDER, INDEX, Page, pages, search


@console.get("/help/", endpoint="help")
def contents() -> str:
    """Show the table of contents, or what a search has found."""
    words = request.args.get("q", "").strip()[:200]
    if words:
        return render_template("console/help_found.html", words=words, results=search(words), address=_address)
    return _shown(pages()[INDEX])


@console.get("/help/<name>")
def help_page(name: str) -> str:
    """Show one page."""
    if name not in pages():
        abort(404, "There's no help page with this name.")
    return _shown(pages()[name])


@console.get("/help/<name>.png")
def help_picture(name: str) -> Response:
    """Send one picture of the pages."""
    return send_from_directory(FOLDER, f"{name}.png")


def _shown(page: Page) -> str:
    body = Markup(markdown.html(page.text, _address, _picture))  # noqa: S704 - the kit's own pages, without their HTML
    headings = [section for section in page.sections if section.level == 2]
    return render_template("console/help.html", page=page, body=body, headings=headings)


def _picture(file: str) -> str:
    return url_for("console.help_picture", name=file.removesuffix(".png"))


def _address(name: str) -> str:
    return url_for("console.help") if name == INDEX else url_for("console.help_page", name=name)
