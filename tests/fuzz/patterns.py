"""Every regular expression of the package, found in its syntax, with the methods that use it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import receiver
from receiver.orders import conversions, lookup, multipart
from receiver.security.secret_forms import forms_of
from tests.served import SECRET

ROOT = Path(receiver.__file__).parent
#: What a pattern can be asked. Those that go on after a match do what ``finditer`` does.
_METHODS = {
    "fullmatch": "fullmatch",
    "match": "match",
    "search": "search",
    **dict.fromkeys(("finditer", "findall", "sub", "subn", "split"), "finditer"),
}
_EVERY = frozenset(_METHODS.values())


#: What patterns that a function makes are made of, or an example of one.
_MADE_IN_FUNCTIONS: dict[str, dict[str, Any] | Callable[[], re.Pattern[Any]]] = {
    "customers.unread_orders.naming": {"email": "ada@shop.example"},
    "customers.registrars.repeated_values.without_values": {"spelled": "Ada (née Byron)"},
    "orders.card_issuers.": {"length": 16},
    "orders.conversions._number": lambda: conversions._number(","),
    "orders.lookup._pattern": lambda: lookup._pattern("cards[{n}].number"),
    "orders.multipart._parts": {"delimiter": b"--b(--%s%s?|%s%s)" % ((multipart._BLANKS, multipart._BREAK) * 2)},
    "relay.masking.masked": {"secrets": [SECRET, "not only lëtters & digits"]},
    "security.secret_forms.forms_of": lambda: forms_of(SECRET),
    "security.secret_forms.replaced": {"secret": SECRET},
    "web.help.markdown._anchors": {"words": "what-it-does"},
    "web.help.pages._snippet": {"wanted": ["order", "a+b"]},
}

#: How what a function returns is used, where not in every way.
_RETURNED = {"_number": frozenset({"fullmatch"})}


class Found(NamedTuple):
    """A pattern, where it's made, and how it's used."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


class _Call(NamedTuple):
    """A call of a function of ``re``."""

    module: str
    #: The function it's in; empty at the top of its module.
    function: str
    node: ast.Call
    #: The name that its pattern is given; empty if it's none of its own.
    name: str


def patterns() -> Iterator[Found]:
    """Yield every pattern. Raises NameError for one that's made in a function and isn't in ``_MADE_IN_FUNCTIONS``."""
    for call in _calls():
        own = call.module.removeprefix("receiver.")
        given = _MADE_IN_FUNCTIONS.get(f"{own}.{call.function}", {})
        made = given() if callable(given) else _made(call.node, _names(call) | given)
        yield Found(f"{own}:{call.node.lineno}", made, _methods(call))


def _names(call: _Call) -> dict[str, Any]:
    """Return what a pattern may be made of. Most are plain text, and need no module; some are programs."""
    is_plain = isinstance(call.node.args[0], ast.Constant)
    return {"re": re} if is_plain else vars(importlib.import_module(call.module))


def _made(node: ast.Call, names: Mapping[str, Any]) -> re.Pattern[Any]:
    """Compile a call's pattern with its flags. Raises NameError for a variable that nobody gave a value."""
    function = node.func
    assert isinstance(function, ast.Attribute)
    flags = [one.value for one in node.keywords if one.arg == "flags"]
    at = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(function.attr, 2)
    values = [eval(ast.unparse(one), dict(names)) for one in [node.args[0], *flags, *node.args[at : at + 1]]]
    return re.compile(*values)


def _calls() -> Iterator[_Call]:
    for path in sorted(ROOT.rglob("*.py")):
        yield from _calls_in(_tree(path), _module(path), "")


def _calls_in(node: ast.AST, module: str, function: str, name: str = "") -> Iterator[_Call]:
    match node:
        case ast.FunctionDef(name=within):
            function, name = within, ""
        case ast.Assign(targets=[ast.Name(id=given)]) | ast.AnnAssign(target=ast.Name(id=given)):
            name = given if not function else ""
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=asked)) if asked in {*_METHODS, "compile"}:
            yield _Call(module, function, node, name)
        case ast.ImportFrom(module="re") | ast.Import(names=[ast.alias(name="re", asname=str())]):
            raise NameError(f"{module}:{node.lineno}: write `import re` and `re.…`, so that its patterns are found")
    for child in ast.iter_child_nodes(node):
        yield from _calls_in(child, module, function, name)


def _methods(call: _Call) -> frozenset[str]:
    """Return how a pattern is used: by the call itself or, if it has a name, wherever that is; else in every way."""
    function = call.node.func
    assert isinstance(function, ast.Attribute)
    if function.attr != "compile":
        return frozenset({_METHODS[function.attr]})
    if call.function in _RETURNED:
        return _RETURNED[call.function]
    return _uses(call.name, call.module if call.name.startswith("_") else "") or _EVERY


@cache
def _uses(name: str, module: str) -> frozenset[str]:
    """Return the methods that a name's pattern is asked, in its module or in all; none if it's handed on somewhere."""
    asked = set()
    for path in ROOT.rglob("*.py"):
        if module in {"", _module(path)}:
            owners = {id(node.value): node.attr for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)}
            asked |= {owners.get(id(node), "") for node in ast.walk(_tree(path)) if _is_named(node, name)}
    return frozenset(map(_METHODS.__getitem__, asked)) if asked <= _METHODS.keys() else frozenset()


def _is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and node.attr == name


def _module(path: Path) -> str:
    return ".".join(["receiver", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))
