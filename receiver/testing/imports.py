"""What a handler's file may not import: how the receiver works, and other handlers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import resolve_name

from receiver import handlers
from receiver.settings import instance_files


def out_of_bounds(source: str, package: str) -> list[str]:
    """Name what a module in this package imports but may not: the engine, the routes, another handler."""
    return [name for name in _imports(source, package) if _is_out_of_bounds(name)]


def _imports(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _is_out_of_bounds(name: str) -> bool:
    if name.startswith("receiver.handlers."):
        return name.removeprefix("receiver.handlers.") not in {*handlers.__all__, "context.Context"}
    return f"{name}.".startswith(("receiver.app.engine.", "receiver.routes.")) or _is_another_handler(name)


def _is_another_handler(name: str) -> bool:
    """Return whether a name is one of the merchant's files; those starting with ``_`` may be imported."""
    package, _, inner = name.partition(".")
    return package.startswith(instance_files.PREFIX) and not inner.startswith("_")
