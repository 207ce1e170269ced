"""Find mistakes in email templates that Jinja doesn't report, and the line of those that it does."""

from __future__ import annotations

from pathlib import Path
from traceback import walk_tb

from jinja2 import Environment, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes

from receiver import errors

#: Blocks that a layout doesn't have to show.
_OPTIONAL = frozenset({"preview"})


class BlockMissing(TemplateError):
    """Raised if an email would be sent without its subject or content."""


def check(templates: Environment, file_name: str) -> None:
    """Raise BlockMissing if a template has a block that its layout doesn't show, or none that the layout does."""
    tree = _tree(templates, file_name)
    layout = _layout(tree)
    if layout is None:
        return
    filled = {node.name for node in tree.body if isinstance(node, nodes.Block)} - _OPTIONAL
    shown = _blocks(templates, layout) - _OPTIONAL
    if lost := filled - shown:
        raise BlockMissing(f"{file_name} has the block {min(lost)}, but {layout} has none of that name to show it in")
    if shown and not filled and _layout(_tree(templates, layout)) is None:
        raise BlockMissing(f"{file_name} has no block {min(shown)}, so {layout} shows nothing of it")


def where(error: Exception) -> str:
    """Return an error's template, line and text. Only the merchant may see it: the text may hold personal data."""
    match error:
        case TemplateSyntaxError():
            return f"{error.name}, line {error.lineno}: {error.message}"
        case BlockMissing():
            return str(error)
        case TemplateNotFound():
            return f"There's no template {error.name}"
    lines = [
        f"{Path(frame.f_code.co_filename).name}, line {line}: "
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename.endswith((".txt", ".html"))
    ]
    words = str(error) if isinstance(error, TemplateError) else errors.describe(error)
    return (lines[-1] if lines else "") + words


def _blocks(templates: Environment, file_name: str) -> set[str]:
    """Return the names of the blocks in a template and in those that it extends."""
    tree = _tree(templates, file_name)
    layout = _layout(tree)
    return {block.name for block in tree.find_all(nodes.Block)} | (_blocks(templates, layout) if layout else set())


def _layout(tree: nodes.Template) -> str | None:
    """Return the name of what a template extends; None if that's nothing, or decided while rendering."""
    extends = tree.find(nodes.Extends)
    name = extends.template.value if extends and isinstance(extends.template, nodes.Const) else None
    return name if isinstance(name, str) else None


def _tree(templates: Environment, file_name: str) -> nodes.Template:
    assert templates.loader is not None  # noqa: S101 - all our environments have one
    return templates.parse(templates.loader.get_source(templates, file_name)[0], file_name)
