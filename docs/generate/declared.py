"""What a source file declares in public – names, signatures, docstrings, ``#:`` notes – read without running it."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Is one name that a file or a class declares."""

    name: str
    #: The docstring, or an attribute's ``#:`` note.
    text: str
    #: What it is or gives, as written: ``str | None``.
    type: str = ""
    #: What an attribute is unless given, as written; empty when there is none.
    default: str = ""
    #: How a function is called, as written: ``once(key: str) -> bool``; empty for anything else.
    call: str = ""
    #: A function's decorators, as written.
    marks: tuple[str, ...] = ()

    @property
    def is_method(self) -> bool:
        """Tell whether it is called; a property is not."""
        return bool(self.call) and "property" not in self.marks


class SourceFile:
    """Is one Python file that can be asked for what it declares; a name that begins with ``_`` is its own affair."""

    def __init__(self, path: Path) -> None:
        source = path.read_text("utf-8")
        self._lines = source.splitlines()
        tree = ast.parse(source)
        self._body = tree.body
        #: What the file says of itself.
        self.text: str = ast.get_docstring(tree) or ""

    def classes(self) -> list[Declared]:
        """Give the classes in their order; called they are as their ``__init__`` says, if they have one."""
        found = [node for node in self._body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        return [
            Declared(name=node.name, text=ast.get_docstring(node) or "", call=self._call_of_class(node))
            for node in found
        ]

    def functions(self) -> list[Declared]:
        """Give the functions in their order; one with overloads comes several times."""
        return list(self._functions(self._body))

    def members(self, class_name: str) -> list[Declared]:
        """Give a class's attributes, those that its making sets, and then its properties and methods."""
        classes = [node for node in self._body if isinstance(node, ast.ClassDef)]
        body = next(node.body for node in classes if node.name == class_name)
        making = [line for node in _makings(body) for line in node.body]
        return [*self._attributes([*body, *making]), *self._functions(body)]

    def _functions(self, body: list[ast.stmt]) -> Iterator[Declared]:
        for node in body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield Declared(
                    name=node.name,
                    text=ast.get_docstring(node) or "",
                    type=ast.unparse(node.returns) if node.returns else "",
                    call=self._call(node),
                    marks=tuple(ast.unparse(one) for one in node.decorator_list),
                )

    def _call(self, node: ast.FunctionDef) -> str:
        """Give what stands after ``def`` as it is, without ``self``; what gives nothing is to say so."""
        assert node.returns is not None, f"{node.name} does not say what it gives"  # noqa: S101 - mypy sees to it
        *lines, last = self._lines[node.lineno - 1 : node.returns.end_lineno]
        head = textwrap.dedent("\n".join([*lines, last[: node.returns.end_col_offset]]))
        return re.sub(r"\bself\b,?\s*(/,?\s*)?", "", head.removeprefix("def "), count=1)

    def _call_of_class(self, node: ast.ClassDef) -> str:
        return "".join(self._call(one) for one in _makings(node.body)).replace("__init__", node.name)

    def _attributes(self, body: list[ast.stmt]) -> Iterator[Declared]:
        for node in body:
            if isinstance(node, ast.AnnAssign) and (name := _name_of(node.target)):
                is_of_class = isinstance(node.target, ast.Name) and node.value is not None
                yield Declared(
                    name=name,
                    text=self._note_above(node),
                    type=ast.unparse(node.annotation),
                    default=ast.unparse(node.value) if is_of_class and node.value else "",
                )

    def _note_above(self, node: ast.stmt) -> str:
        """Give the lines directly above that begin with ``#:`` as one text."""
        note: list[str] = []
        for line in reversed(self._lines[: node.lineno - 1]):
            if not line.strip().startswith("#:"):
                break
            note.insert(0, line.strip().removeprefix("#:").strip())
        return " ".join(note)


def _makings(body: list[ast.stmt]) -> list[ast.FunctionDef]:
    return [node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]


def _name_of(target: ast.expr) -> str:
    """Give the name of ``name`` or ``self.name``; empty for one that begins with ``_``, and for anything else."""
    name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    return "" if name.startswith("_") else name
