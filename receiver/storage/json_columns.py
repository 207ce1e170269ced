"""What's in a text column of JSON, in each kind of database's own words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, FunctionElement, TableValuedAlias, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _Parsed(FunctionElement[Any]):
    """A text as JSON: SQLite reads it as it is, PostgreSQL wants it cast."""

    name = "parsed"
    type = JSON()
    inherit_cache = True


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, as rows."""

    name = "elements"
    inherit_cache = True


def json_text(of: Any, *path: str) -> ColumnElement[str]:
    """Return the text at a path of names in a column of JSON; null where there's none."""
    return _Parsed(of)[path].as_string()  # type: ignore[no-any-return]


def json_elements(of: Any) -> TableValuedAlias:
    """Return a table of the elements of a column's JSON array, each of them in its column ``value``."""
    return _Elements(of).table_valued(column("value", JSON()))


@compiles(_Parsed)
def _parsed(element: _Parsed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Parsed, "postgresql")
def _parsed_by_postgresql(element: _Parsed, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS JSON)"


@compiles(_Elements)
def _elements(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _elements_by_postgresql(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSON))"
